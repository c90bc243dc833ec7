import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { modelLines } from "../../src/node/model-lines.ts";
import { tempFolder } from "../support/pico.ts";

/** The lines for a folder with this config, each as program and command. */
function linesFor(config: object | null): string[] {
  const folder = tempFolder();
  if (config !== null) writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return modelLines(folder).map(({ title, line }) => `${title}: ${line.replaceAll(folder, "F")}`);
}

it("say how to load a whole model by the class that its config names, and where it generates text", () => {
  expect(linesFor({ architectures: ["LlamaForCausalLM"] })).toEqual([
    'transformers: LlamaForCausalLM.from_pretrained("F")',
    "vLLM: vllm serve F",
    "SGLang: python -m sglang.launch_server --model-path F",
    "TGI: text-generation-launcher --model-id F",
    'mlx-lm: mlx_lm.generate --model F --prompt "..."',
  ]);
  expect(linesFor({ architectures: ["RobertaForSequenceClassification"] })).toHaveLength(1);
  expect(linesFor({ _class_name: "UNet2DConditionModel" })).toEqual([
    'diffusers: UNet2DConditionModel.from_pretrained("F")',
  ]);
});

it("say nothing where no class is named, or one that is no name", () => {
  for (const config of [null, {}, { architectures: [] }, { architectures: ["a b"] }]) {
    expect(linesFor(config)).toEqual([]);
  }
});
