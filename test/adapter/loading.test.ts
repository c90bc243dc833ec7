import { describe, expect, it } from "vitest";
import { type ConsumerId, consumerById } from "../../src/adapter/consumers.ts";
import { type Loaded, loadingLine } from "../../src/adapter/loading.ts";

const LOADED: Loaded = {
  path: "out/merged",
  weights: "out/merged/adapter.gguf",
  name: "merged",
  base: "org/base-7b",
  rank: 64,
};
const line = (id: ConsumerId, more: Partial<Loaded> = {}) => loadingLine(consumerById(id), { ...LOADED, ...more });

describe("the line that loads an adapter", () => {
  it.each<[ConsumerId, string]>([
    ["vllm", "vllm serve org/base-7b --enable-lora --lora-modules merged=out/merged --max-lora-rank 64"],
    ["sglang", "python -m sglang.launch_server --model-path org/base-7b --enable-lora --lora-paths merged=out/merged"],
    ["tgi", "text-generation-launcher --model-id org/base-7b --lora-adapters merged=out/merged"],
    ["llamacpp", "llama-server -m BASE.gguf --lora out/merged/adapter.gguf"],
    ["mlx", 'mlx_lm.generate --model org/base-7b --adapter-path out/merged --prompt "..."'],
    ["peft", 'PeftModel.from_pretrained(model, "out/merged")'],
    ["diffusers", 'pipe.load_lora_weights("out/merged")'],
    ["comfyui", "cp out/merged/adapter.gguf ComfyUI/models/loras/ (then the node Load LoRA)"],
  ])("in %s is what its documentation says", (id, expected) => {
    expect(line(id)).toBe(expected);
  });

  it("asks for a rank only where the program's default is too small", () => {
    const most = (rank: number) => / --max-lora-rank (\d+)$/.exec(line("vllm", { rank }))?.[1] ?? null;
    expect(line("vllm", { rank: 16 })).toMatch(/=out\/merged$/);
    expect([8, 16, 17, 64, 65].map(most)).toEqual([null, null, "32", "64", "128"]);
  });

  it("leaves a place for a base that is not named, and quotes what a shell would take apart", () => {
    expect(line("mlx", { base: null, path: "my merge" })).toBe(
      "mlx_lm.generate --model BASE --adapter-path 'my merge' --prompt \"...\"",
    );
    expect(line("sglang", { name: "a=b,c", path: "-out" })).toContain("--lora-paths a-b-c=./-out");
    expect(line("vllm", { name: "a=b", path: "out/r=8", rank: 8 })).toContain(
      `--lora-modules '{"name":"a-b","path":"out/r=8"}'`,
    );
  });
});
