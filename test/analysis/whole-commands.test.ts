import { expect, it } from "vitest";
import { configVariants } from "../../src/adapter/peft-variants.ts";
import { wholeCommands } from "../../src/analysis/checks/whole-commands.ts";
import { parsePeftConfig } from "../../src/formats/peft-folder/read-config.ts";
import { filled } from "../support/memory-folder.ts";
import { openFile } from "../support/open-file.ts";

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
  [
    "write rank 8 with lora-lego merge --for tgi.",
    "x/adapter_model.safetensors",
    "write rank 8 with lora-lego merge x/adapter_model.safetensors --for tgi --out 'FREE(x)'.",
  ],
  [
    "cut it with lora-lego resize --rank 8.",
    "hf://me/mine@v1/adapter_model.safetensors",
    "cut it with lora-lego resize hf://me/mine@v1/adapter_model.safetensors --rank 8 --out 'FREE(mine)'.",
  ],
  [
    "cut it with lora-lego resize --rank 8.",
    "lora.safetensors",
    "cut it with lora-lego resize lora.safetensors --rank 8 --out 'FREE(lora)'.",
  ],
  [
    "cut it with lora-lego resize --rank 8.",
    "lora.gguf",
    "cut it with lora-lego resize lora.gguf --rank 8 --out 'FREE(lora.gguf)'.",
  ],
  ["lora-lego resize --rank writes less.", "a", "lora-lego resize --rank writes less."],
  ["lora-lego knows no family with names such as q", "a", "lora-lego knows no family with names such as q"],
])("completes the commands of a finding: %s", (text, path, whole) => {
  expect(wholeCommands(text, { path, ofImages: false }, free)).toBe(whole);
});

it("keeps the ending of a file of an image model", () => {
  expect(wholeCommands("lora-lego resize --rank 8", { path: "x/l.safetensors", ofImages: true }, free)).toBe(
    "lora-lego resize x/l.safetensors --rank 8 --out 'FREE(x/l.safetensors)'",
  );
});

it("completes what is said of factors that a file keeps smaller", async () => {
  const shapes = { "lora_unet_x.lokr_w1": [10, 20], "lora_unet_x.lokr_w2": [30, 5] };
  const { notices } = await openFile(Object.entries(shapes).map(([key, shape]) => filled(key, shape)));
  const { text } = notices.find(({ id }) => id === "exact-rank")!;
  // The rank of a product of Kronecker is that of its factors multiplied: 10 x 5, and half of it is 25.
  expect(wholeCommands(text, { path: "k.safetensors", ofImages: true }, free)).toContain(
    "; lora-lego resize k.safetensors --rank 25 --out 'FREE(k.safetensors)' writes a smaller LoRA",
  );
});

it("leaves a command open that needs the adapter before its training", () => {
  const fields = { peft_type: "LORA", target_modules: ["q_proj"], init_lora_weights: "pissa" };
  const { text } = configVariants(parsePeftConfig(fields, "a/adapter_config.json"))[0]!;
  expect(text).toContain("(lora-lego convert --from-init)");
  expect(wholeCommands(text, { path: "a", ofImages: false }, free)).toBe(text);
});
