import { describe, expect, it } from "vitest";
import { FormatError } from "../../../src/core/errors.ts";
import { mergeInMemory } from "../../../src/merge/merge.ts";
import { A, B, openDialect, refuses, times } from "../../support/dialect.ts";
import { decodeAdapter } from "../../support/pico.ts";

describe("any dialect", () => {
  it.each([
    ["lora_unet_x.on_input", "an IA3"],
    ["unet.x.oft_blocks", "OFT"],
    ["lora_unet_x.a1.weight", "GLoRA"],
    ["lycoris_x.b2.weight", "GLoRA"],
    ["lora_unet_x.lambda_layer", "T-LoRA"],
    ["lora_unet_x.diff", "differences of whole tensors"],
  ])("calls what is no LoRA by its name (%s)", async (key, name) => {
    const adapter = await openDialect({ [key]: A });
    expect(adapter).toMatchObject({ format: "foreign", variants: [{ id: "other_method" }] });
    for (const part of ["LyCORIS", key, name]) expect(adapter.variants[0]!.text).toContain(part);
    expect([...adapter.others.keys()]).toEqual([key]);
  });

  it("refuses half a module", async () => {
    await refuses(FormatError, { "lora_unet_conv_in.lora_down.weight": A }, "lora_up", "incomplete");
    await refuses(FormatError, { w_b_000: B }, "w_000", "w_a");
  });

  it("merges with another dialect of the same base", async () => {
    const name = "unet.mid_block.attentions.0.proj_in";
    const one = await openDialect({ [`${name}.lora_A.weight`]: A, [`${name}.lora_B.weight`]: B });
    const key = "lora_unet_mid_block_attentions_0_proj_in";
    const other = await openDialect({
      [`${key}.lora_down.weight`]: A,
      [`${key}.lora_up.weight`]: B,
      [`${key}.alpha`]: 4,
    });
    const { config, weights } = await mergeInMemory([one, other], { method: "cat", dtype: "f32" });
    const { delta } = decodeAdapter(JSON.stringify(config), weights).modules.get(name)!;
    for (const [i, value] of times(3).entries()) expect(delta[i]).toBeCloseTo(value, 5);
  });
});
