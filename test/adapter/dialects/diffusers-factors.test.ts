import { describe, expect, it } from "vitest";
import { FormatError, RefusedError } from "../../../src/core/errors.ts";
import { mergeInMemory } from "../../../src/merge/merge.ts";
import { A, B, BA, deltasOf, openDialect, refuses, times } from "../../support/dialect.ts";
import { rejection } from "../../support/memory-folder.ts";
import { decodeAdapter } from "../../support/pico.ts";

describe("diffusers", () => {
  const NAME = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0";
  const STEM = "down_blocks.0.attentions.0.transformer_blocks.0.attn1";

  it.each([
    ["today's", `unet.${STEM}.to_out.0.lora_A.weight`, `unet.${STEM}.to_out.0.lora_B.weight`],
    ["the middle", `unet.${STEM}.to_out.0.lora.down.weight`, `unet.${STEM}.to_out.0.lora.up.weight`],
    ["the oldest", `${STEM}.processor.to_out_lora.down.weight`, `${STEM}.processor.to_out_lora.up.weight`],
  ])("reads %s keys at scale 1", async (_, a, b) => {
    const adapter = await openDialect({ [a]: A, [b]: B });
    expect(adapter.format).toBe("diffusers");
    expect(await deltasOf(adapter)).toEqual({ [NAME]: BA });
  });

  it("reads text encoders' linear layers", async () => {
    const key = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj";
    const { modules } = await openDialect({
      [`${key}.lora_linear_layer.down.weight`]: A,
      [`${key}.lora_linear_layer.up.weight`]: B,
    });
    expect([...modules.keys()]).toEqual([key]);
  });

  it("takes scales from <module>.alpha", async () => {
    const adapter = await openDialect({
      [`${NAME}.lora_A.weight`]: A,
      [`${NAME}.lora_B.weight`]: B,
      [`${NAME}.alpha`]: 8,
    });
    expect(await deltasOf(adapter)).toEqual({ [NAME]: times(4) });
  });

  it.each([
    [`${NAME}.lora.down.weight`, `${NAME}.lora.up.weight`, `${NAME}.lora.alpha`],
    [`${NAME}.lora.down.weight`, `${NAME}.lora.up.weight`, `${NAME}.alpha`],
    [`${NAME}.lora_linear_layer.down.weight`, `${NAME}.lora_linear_layer.up.weight`, `${NAME}.lora_linear_layer.alpha`],
    [
      "unet.x.processor.to_q_lora.down.weight",
      "unet.x.processor.to_q_lora.up.weight",
      "unet.x.processor.to_q_lora.alpha",
    ],
    ["unet.x.processor.to_out_lora.down.weight", "unet.x.processor.to_out_lora.up.weight", "unet.x.to_out.alpha"],
  ])("takes the scale of %s from the alpha beside it", async (a, b, alpha) => {
    expect(Object.values(await deltasOf(await openDialect({ [a]: A, [b]: B, [alpha]: 8 })))).toEqual([times(4)]);
  });

  it("refuses an alpha that has no factors, and two of one module", async () => {
    const factors = { [`${NAME}.lora.down.weight`]: A, [`${NAME}.lora.up.weight`]: B };
    await refuses(FormatError, { ...factors, "unet.other.alpha": 4 }, "unet.other.alpha", "no factors for unet.other");
    const twice = { ...factors, [`${NAME}.alpha`]: 4, [`${NAME}.lora.alpha`]: 8 };
    await refuses(FormatError, twice, `${NAME}.alpha`, `${NAME}.lora.alpha`, "remove the one");
  });

  it("tells the magnitude of a module by its path in every age", async () => {
    const stem = "unet.x.processor.to_q_lora";
    const dora = await openDialect({
      [`${stem}.down.weight`]: A,
      [`${stem}.up.weight`]: B,
      [`${stem}.dora_scale`]: [1, 1],
    });
    expect(dora.variants.map(({ id }) => id)).toEqual(["dora"]);
  });

  it("takes the scale of a model that was saved by itself from metadata without components", async () => {
    const path = "transformer_blocks.0.attn.to_q";
    const tensors = { [`${path}.lora_A.weight`]: A, [`${path}.lora_B.weight`]: B };
    const said = (fields: object) => ({ lora_adapter_metadata: JSON.stringify(fields) });
    const adapter = await openDialect(tensors, said({ r: 2, lora_alpha: 6, target_modules: ["to_q"] }));
    expect(await deltasOf(adapter)).toEqual({ [path]: times(3) });
    expect(await deltasOf(await openDialect(tensors, said({ "unet.r": 2, "unet.lora_alpha": 6, note: 1 })))).toEqual({
      [path]: BA,
    });
  });

  it("refuses names without a component beside PEFT's config, where their scale is not certain", async () => {
    const path = "transformer_blocks.0.attn.to_q";
    const tensors = { [`${path}.lora_A.weight`]: A, [`${path}.lora_B.weight`]: B };
    const error = await rejection(
      openDialect(tensors, undefined, { peft_type: "LORA", r: 2, target_modules: ["to_q"] }),
    );
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toMatch(/transformer_blocks\.0\.attn\.to_q starts neither .*its scale is not certain/);
  });

  it("reads what lies beside the factors as extras, by name", async () => {
    const factors = { [`${NAME}.lora_A.weight`]: A, [`${NAME}.lora_B.weight`]: B };
    const side = ["unet.x.diff", "unet.x.diff_b", "unet.x.w_norm", "bundle_emb.zkz.clip_l"];
    const adapter = await openDialect({ ...factors, ...Object.fromEntries(side.map((key) => [key, [1]])) });
    expect([...adapter.extras.keys()].sort()).toEqual([...side].sort());
    await expect(mergeInMemory([adapter, adapter], { method: "cat" })).rejects.toThrow(/bundle_emb.*--extras/);
  });

  it("tells a bias beside B", async () => {
    const path = "double_blocks.0.img_attn.qkv";
    const control = await openDialect({
      [`${path}.lora_A.weight`]: A,
      [`${path}.lora_B.weight`]: B,
      [`${path}.lora_B.bias`]: [1, 1],
      "double_blocks.0.img_attn.norm.query_norm.scale": [1],
    });
    expect(control.variants.map(({ id }) => id)).toEqual(["lora_bias"]);
    expect(control.modules.get(`diffusion_model.${path}`)!.bias!.name).toBe(`${path}.lora_B.bias`);
  });

  it("reads the attention processors of XLabs' code as weights of Flux.1", async () => {
    // A takes 2 inputs and B has n in row n, from 1.
    const rows = (count: number) => Array.from({ length: count }, (_, i) => [i + 1]);
    const xlabs = (name: string, out: number) => ({
      [`${name}.down.weight`]: [[1, 2]],
      [`${name}.up.weight`]: rows(out),
    });
    const adapter = await openDialect({
      ...xlabs("double_blocks.3.processor.qkv_lora1", 6),
      ...xlabs("double_blocks.3.processor.qkv_lora2", 6),
      ...xlabs("double_blocks.3.processor.proj_lora1", 2),
      ...xlabs("double_blocks.3.processor.proj_lora2", 2),
      ...xlabs("single_blocks.7.processor.qkv_lora", 6),
      ...xlabs("single_blocks.7.processor.proj_lora", 2),
    });
    expect(adapter).toMatchObject({ families: ["flux1"], variants: [] });
    const { config, weights } = await mergeInMemory([adapter], { method: "cat", dtype: "f32" });
    const { modules } = decodeAdapter(JSON.stringify(config), weights);
    const column = Array.from(modules, ([name, { delta, in: inputs }]) => [
      name.replace("diffusion_model.", ""),
      [...delta].filter((_, i) => i % inputs! === 0).map(Math.round),
    ]);
    // linear1 has queries, keys, values, and MLP rows four times as many, which the file does not change.
    expect(Object.fromEntries(column)).toEqual({
      "double_blocks.3.img_attn.qkv": [1, 2, 3, 4, 5, 6],
      "double_blocks.3.txt_attn.qkv": [1, 2, 3, 4, 5, 6],
      "double_blocks.3.img_attn.proj": [1, 2],
      "double_blocks.3.txt_attn.proj": [1, 2],
      "single_blocks.7.linear1": [1, 2, 3, 4, 5, 6, ...Array<number>(8).fill(0)],
      "single_blocks.7.linear2": [1, 2],
    });
  });

  it.each(["lora_te2_", "lora_te3_", "text_encoder_2.", "text_encoder_3."])(
    "gives T5 one name in files that call it %s, and leaves CLIP where it stands",
    async (beginning) => {
      const dotted = beginning.endsWith(".");
      const named = (path: string) => beginning + (dotted ? path : path.replaceAll(".", "_"));
      const [down, up] = dotted ? [".lora_A.weight", ".lora_B.weight"] : [".lora_down.weight", ".lora_up.weight"];
      const file = (path: string) => openDialect({ [named(path) + down]: A, [named(path) + up]: B });
      const t5 = "encoder.block.0.layer.0.SelfAttention.q";
      expect([...(await file(t5)).modules.keys()]).toEqual([`text_encoder_3.${t5}`]);
      const clip = "text_model.encoder.layers.0.mlp.fc1";
      expect([...(await file(clip)).modules.keys()]).toEqual([`text_encoder_${/\d/.exec(beginning)![0]}.${clip}`]);
    },
  );

  it("warns of fields in the metadata that nobody here knows", async () => {
    const tensors = { [`${NAME}.lora_A.weight`]: A, [`${NAME}.lora_B.weight`]: B };
    const said = (fields: object) => ({ lora_adapter_metadata: JSON.stringify(fields) });
    const fields = { "unet.r": 2, "unet.lora_alpha": 2, "unet.use_supernova": true, "unet.future": false };
    const adapter = await openDialect(tensors, said(fields));
    expect(adapter.unknownFields).toEqual(["unet.use_supernova"]);
    expect(adapter.notices).toEqual([
      {
        id: "unknown-field",
        text: expect.stringMatching(/^mine sets unet\.use_supernova in lora_adapter_metadata, which .* check that it /),
      },
    ]);
    const { report } = await mergeInMemory([adapter], { method: "cat" });
    expect(report.warnings.map(({ id }) => id)).toEqual(["unknown-field"]);
    expect(report.inputs[0]!.unknownFields).toEqual(["unet.use_supernova"]);
    expect((await openDialect(tensors, said({ "unet.r": 2, "unet.lora_alpha": 2 }))).notices).toEqual([]);
  });

  it("takes scales from the LoraConfig in the metadata, patterns and rsLoRA included", async () => {
    const other = "unet.conv_in";
    const fields = {
      "unet.r": 2,
      "unet.lora_alpha": 4,
      "unet.alpha_pattern": { conv_in: 6 },
      "unet.target_modules": ["x"],
    };
    const tensors = {
      [`${NAME}.lora_A.weight`]: A,
      [`${NAME}.lora_B.weight`]: B,
      [`${other}.lora_A.weight`]: A,
      [`${other}.lora_B.weight`]: B,
    };
    const adapter = await openDialect(tensors, { lora_adapter_metadata: JSON.stringify(fields) });
    expect(await deltasOf(adapter)).toEqual({ [NAME]: times(2), [other]: times(3) });
    const rooted = await openDialect(tensors, {
      lora_adapter_metadata: JSON.stringify({ ...fields, "unet.use_rslora": true }),
    });
    expect(rooted.modules.get(other)!.scale).toBeCloseTo(6 / Math.SQRT2, 12);
  });
});
