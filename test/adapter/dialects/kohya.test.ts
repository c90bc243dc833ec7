import { describe, expect, it } from "vitest";
import { RefusedError } from "../../../src/core/errors.ts";
import { filled, rejection } from "../../support/memory-folder.ts";
import { openFile as open } from "../../support/open-file.ts";

const STEM = "lora_unet_x";
const pair = (stem: string) => [filled(`${stem}.lora_down.weight`, [2, 3]), filled(`${stem}.lora_up.weight`, [2, 2])];
const lokr = (stem: string) => [filled(`${stem}.lokr_w1`, [2, 2]), filled(`${stem}.lokr_w2`, [2, 2])];

describe("what lies beside kohya's factors", () => {
  it("is kept where trainers of image models save it, and else refused by its name", async () => {
    const side = [filled(`${STEM}.diff_b`, [2]), filled(`${STEM}.w_norm`, [2])];
    const { extras } = await open([...pair(STEM), ...side]);
    expect([...extras.keys()]).toEqual([`${STEM}.diff_b`, `${STEM}.w_norm`]);
    const error = await rejection(open([...pair(STEM), filled(`${STEM}.odd`, [2])]));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toBe(
      `it: the tensor ${STEM}.odd is not part of a plain LoRA adapter; merge adapters that hold lora_down, lora_up and alpha only.`,
    );
  });

  it("counts the alphas, none of which are in metadata", async () => {
    const alpha = { ...filled(`${STEM}.alpha`, []), data: new Uint8Array(Float32Array.of(4).buffer) };
    expect((await open([...pair(STEM), ...pair("lora_unet_y"), alpha])).alphas).toEqual({ own: 1, inMetadata: 0 });
  });

  it.each([
    ["its version", { ss_base_model_version: "sdxl", ss_sd_model_name: "mine.safetensors" }, "sdxl"],
    ["its file", { ss_sd_model_name: "mine.safetensors" }, "mine.safetensors"],
    ["nothing", {}, null],
  ])("names the base by %s", async (_, metadata, base) => {
    expect((await open(pair(STEM), metadata)).baseModel).toBe(base);
  });
});

describe("a LoKr of kohya's dialect beside PEFT's config", () => {
  const CONFIG = { "adapter_config.json": JSON.stringify({ peft_type: "LORA", r: 2, target_modules: ["x"] }) };

  it.each([STEM, "unet.conv_in"])("is read where its name is no PEFT's: %s", async (stem) => {
    expect([...(await open(lokr(stem), {}, CONFIG)).modules.keys()]).toEqual([stem]);
  });

  it("is refused where its name may be PEFT's without its prefix", async () => {
    const error = await rejection(open(lokr("model.q"), {}, CONFIG));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toMatch(
      /^it: model\.q starts neither with base_model\.model\., as PEFT's keys do next to it\//,
    );
  });
});
