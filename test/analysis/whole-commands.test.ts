import { expect, it } from "vitest";
import { wholeCommands } from "../../src/analysis/checks/whole-commands.ts";

const free = (path: string): string => `FREE(${path})`;

it.each([
  [
    "convert it with lora-lego convert --to gguf --base-config BASE/config.json, and check the result with --for llamacpp.",
    "my adapters/a/",
    "convert it with lora-lego convert 'my adapters/a/' --to gguf --base-config BASE/config.json --out 'FREE(my adapters/a.gguf)', and check the result with --for llamacpp.",
  ],
  [
    "write rank 8 with lora-lego merge --for tgi.",
    "a",
    "write rank 8 with lora-lego merge a --for tgi --out 'FREE(a)'.",
  ],
  [
    'lora-lego merge --for vllm writes "none".',
    "hf://me/mine@v1/sub",
    "lora-lego merge hf://me/mine@v1/sub --for vllm --out 'FREE(sub)' writes \"none\".",
  ],
  [
    "write plain LoRA with lora-lego convert --to diffusers",
    "x/lora.safetensors",
    "write plain LoRA with lora-lego convert x/lora.safetensors --to diffusers --out 'FREE(x/lora.safetensors)'",
  ],
  [
    "leave it out with lora-lego merge --exclude, which loses its effect.",
    "a",
    "leave it out with lora-lego merge --exclude, which loses its effect.",
  ],
  ["lora-lego knows no family with names such as q", "a", "lora-lego knows no family with names such as q"],
])("completes the commands of a finding: %s", (text, path, whole) => {
  expect(wholeCommands(text, path, free)).toBe(whole);
});
