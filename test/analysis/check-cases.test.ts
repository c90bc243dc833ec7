import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type ConsumerId, consumerById } from "../../src/adapter/consumers.ts";
import { type Check, checkOpened, isGood } from "../../src/analysis/check.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { openBase } from "../../src/node/input/open-base.ts";

const CASES = fileURLToPath(new URL("../../../shared/cases", import.meta.url));

/** What check says of a case: good as far as it looked, or the level and words of a finding; `unseen` are words of what was not looked at. */
type Verdict = "good" | readonly ["fails" | "differs" | "note" | "unseen", RegExp];
type Row = readonly [path: string, consumers: string, verdict: Verdict, base?: string];

const LLM: readonly Row[] = [
  // What a config alone decides.
  ["vllm-config-only/mts", "vllm", ["fails", /modules_to_save .* lm_head/]],
  ["vllm-config-only/bias", "vllm", ["fails", /bias "lora_only"/]],
  ["vllm-config-only/sc", "vllm peft sglang", "good"],
  ["vllm-config-only/mts", "peft", "good"],
  ["bias-extra-vllm/a", "vllm", ["fails", /bias "lora_only"/]],
  ["bias-extra-vllm/a", "vllm sglang tgi", ["fails", /4 other tensors .*base_layer\.bias/]],
  ["bias-extra-vllm/a", "peft", "good"],
  // Variants of LoRA.
  ["cfg-dora/real", "peft", "good"],
  ["cfg-dora/real", "vllm sglang", ["fails", /DoRA/]],
  ["cfg-dora/real", "tgi", ["differs", /DoRA/]],
  ["cfg-dora/a", "peft", ["differs", /holds no magnitude/]],
  ["cfg-alora/a", "peft", "good"],
  ["cfg-alora/a", "vllm", ["fails", /activated LoRA/]],
  ["cfg-alora/a", "sglang", ["differs", /activated LoRA/]],
  ["cfg-lora_bias/a", "peft", ["differs", /holds no tensor model\.layers\.0\.self_attn\.q_proj\.lora_B\.bias/]],
  ["cfg-lora_bias/a", "vllm", ["fails", /bias next to B/]],
  ["cfg-layer_replication/a", "peft", "good"],
  ["cfg-layer_replication/a", "vllm", ["fails", /replicated/]],
  ["cfg-bdlora/a", "peft", "good"],
  ["cfg-bdlora/a", "vllm", ["fails", /block-diagonal/]],
  ["cfg-bdlora/a", "sglang", ["differs", /block-diagonal/]],
  ["cfg-qalora/a", "peft", "good"],
  ["cfg-qalora/a", "vllm", ["fails", /QA-LoRA/]],
  ["cfg-kasa/a", "peft", "good"],
  ["cfg-pissa/a", "peft", "good"],
  ["cfg-pissa/a", "vllm", ["fails", /pissa_niter_16/]],
  ["cfg-pissa/a", "sglang tgi", ["differs", /pissa_niter_16/]],
  ["cfg-olora/a", "vllm", ["fails", /olora/]],
  ["cfg-loftq/a", "vllm", ["fails", /loftq/]],
  ["cfg-corda/a", "peft vllm", ["fails", /corda/]],
  ["cfg-loraga/a", "vllm", "good"],
  ["cfg-eva/a", "vllm peft sglang", "good"],
  ["cfg-gaussian/a", "vllm peft sglang", "good"],
  ["cfg-orthogonal/a", "vllm peft sglang", "good"],
  ["cfg-futureflag/a", "vllm peft sglang", ["unseen", /use_supernova, supernova_config/]],
  ["unknown-field-merge/a", "peft", ["unseen", /use_supernova/]],
  ["target-parameters/a", "peft vllm", "good"],
  ["target-parameters/a-noconfig", "vllm", "good"],
  ["target-parameters/a-noconfig", "peft", ["differs", /by target_parameters, which its config lacks/]],
  ["target-parameters/a-single-noconfig", "peft", ["differs", /but its config has no target_parameters/]],
  ["target-parameters/a-single-noconfig", "vllm", ["fails", /but its config has no target_parameters/]],
  ["target-parameters/a", "sglang", ["fails", /parameters of its model .*write them as it takes them/]],
  ["token-adapter/a", "peft", "good"],
  ["token-adapter/a", "vllm", ["fails", /token embeddings/]],
  ["token-adapter/a", "sglang", ["differs", /token embeddings/]],
  ["token-adapter/a-nocfg", "peft", ["differs", /names 0 tokens/]],
  // Configs of other methods of PEFT beside the tensors of a LoRA; BONE left it.
  ...["ADALORA", "IA3", "LN_TUNING", "LOHA", "OFT", "PROMPT_TUNING", "TRAINABLE_TOKENS", "VERA"].flatMap(
    (type): Row[] => [
      [`type-${type}/a`, "peft", ["differs", new RegExp(`peft_type "${type}" in its config, but .* "LORA"`)]],
      [`type-${type}/a`, "vllm sglang tgi", ["fails", new RegExp(`peft_type "${type}"`)]],
    ],
  ),
  ["type-BONE/a", "peft", ["fails", /peft_type "BONE"/]],
  // Files.
  ["sharded/a", "vllm peft", ["fails", /are in shards/]],
  ["sharded/a", "sglang tgi", "good"],
  // Names that wrappers or missing prefixes made.
  ...["ckpt", "ddp-module", "default", "double", "orig-mod-front", "orig-mod-inside"].flatMap((name): Row[] => [
    [`key-${name}/a`, "vllm peft tgi", ["fails", /saved from a wrapped model/]],
    [`key-${name}/a`, "sglang", ["unseen", /finds the names: .*wrapped model/]],
    [`key-${name}/b`, "vllm peft", "good"],
  ]),
  ["key-no-prefix/a", "peft", ["fails", /without base_model\.model\./]],
  ["key-no-prefix/a", "vllm", "good"],
  // Scales.
  ["rslora-mix/a", "vllm peft", "good"],
  ["rslora-mix/a", "sglang", ["differs", /use_rslora ignored/]],
  // Tied embeddings.
  [
    "gguf-tied-lm-head/qwen2.gguf",
    "llamacpp",
    ["fails", /ties head and embedding/],
    "gguf-tied-lm-head/config-qwen2.json",
  ],
  ["gguf-tied-lm-head/gemma3_text.gguf", "llamacpp", ["fails", /lm_head/], "gguf-tied-lm-head/config-gemma3_text.json"],
  ["gguf-tied-lm-head/llama.gguf", "llamacpp", ["fails", /changes output/], "gguf-tied-lm-head/config-llama.json"],
  ["gguf-tied-lm-head/a", "llamacpp", ["fails", /ties head and embedding/], "gguf-tied-lm-head/config-qwen3.json"],
  ["gguf-tied-lm-head/a", "peft", "good", "gguf-tied-lm-head/config-qwen3.json"],
  ["gguf-tied-embed/a.gguf", "llamacpp", ["fails", /changes model\.embed_tokens/], "gguf-tied-embed/config.json"],
  ["gguf-tied-embed/a", "peft", "good", "gguf-tied-embed/config.json"],
  ["mlx-real-tied-embed/mlx", "mlx", ["differs", /changes the head too/], "bases/qwen2tied"],
  ["mlx-real-tied-embed/mlx", "mlx", "good", "bases/qwen2"],
  ["mlx-real-tied-embed/mlx", "mlx", "good"],
  ["llamacpp-tied-real/lmhead.gguf", "llamacpp", ["unseen", /ties its head to its embedding/]],
  ["mlx-real-plain/mlx", "mlx", "good", "bases/qwen2tied"],
  ["mlx-real-moe-attn/mlx", "mlx", "good", "bases/qwen3moe"],
  ["fuse-mts-tied/a", "vllm", ["unseen", /ties head and embedding/], "bases/qwen2tied"],
  // Vocabularies.
  ["resized-vocab/a", "peft", ["fails", /66.*64.*resize the base's vocabulary/], "bases/qwen2"],
  ["embed-resized-base-layer/a", "peft vllm", ["fails", /embed_tokens .*66.*64.*resize/], "bases/qwen2"],
  ["embed-resized-base-layer/a", "peft", ["fails", /66 tokens.*vocab_size 64/], "bases/qwen2/config.json"],
  // Experts.
  ["moe-per-expert/a", "peft vllm", "good", "bases/qwen3moe"],
  ["moe-per-expert/a", "peft", ["differs", /26 of its 28 modules are not in qwen2/], "bases/qwen2"],
  ["moe-per-expert/mlx", "mlx", ["fails", /switch_mlp/]],
  ["mlx-moe/a", "mlx", "good"],
  // Names of other releases.
  ["mm-rename/old", "peft vllm", "good", "fuse-qwen2vl-new/base"],
  ["mm-rename/new", "peft vllm", ["unseen", /another release of transformers/], "fuse-qwen2vl-new/base"],
  ["mm-rename/older", "peft vllm", ["unseen", /another release of transformers/], "fuse-qwen2vl-new/base"],
  ["fuse-qwen2vl-new/a", "peft vllm", ["unseen", /another release of transformers/], "fuse-qwen2vl-new/base"],
  // Bases that do not tell all.
  ["bnb-base/a", "vllm", ["unseen", /sizes of 4 modules, .*quantized/], "bnb-base/base"],
  ["moe-per-expert/a", "peft", "good", "fuse-fused-experts/base"],
];

const IMAGE: readonly Row[] = [
  ["sdxl-kohya", "comfyui", "good"],
  ["sdxl-kohya", "diffusers", ["differs", /the alpha of others/]],
  ["sdxl-diffusers", "diffusers", "good"],
  ["sdxl-diffusers", "comfyui", ["differs", /misses .*: it looks for attention under names with \.processor\./]],
  ["sdxl-diffusers-meta", "diffusers", "good"],
  [
    "sdxl-diffusers-meta",
    "comfyui",
    ["differs", /does not read lora_adapter_metadata, .* or 1 without one, instead of 4; /],
  ],
  ["sdxl-diffusers-meta", "diffusers", ["note", /takes the scales from lora_adapter_metadata: 4 for all modules/]],
  ["sdxl-diffusers", "diffusers", ["note", /finds all 40 modules of the denoiser by their names \(Stable Diffusion\)/]],
  ["sdxl-kohya", "comfyui", ["note", /finds all 68 modules of the denoiser/]],
  ["sdxl-kohya", "comfyui", ["note", /applies the scale alpha \/ rank: 0\.5 for 64 modules, 0\.25 for 8 modules\.$/]],
  ["alpha-0", "comfyui", ["note", /applies the scale alpha \/ rank: 0 for 1 module, 0\.5 for 1 module\.$/]],
  ["alpha-missing", "comfyui", ["note", /1 for 1 module, 0\.5 for 1 module; 1 module without alpha has 1\.$/]],
  ["wan-lightx2v", "comfyui", ["note", /applies the scale alpha \/ rank: 0\.5 for all modules\.$/]],
  ["qwen-bare", "comfyui", ["note", /applies the scale 1, because the file has no alpha\.$/]],
  ["flux-kohya-a", "diffusers comfyui", "good"],
  ["flux-kohya-t5", "diffusers", ["differs", /text encoders/]],
  ["flux-kohya-t5", "comfyui", "good"],
  ["flux-aitoolkit", "diffusers comfyui", "good"],
  ["dora-kohya", "comfyui", "good"],
  ["dora-diffusers", "diffusers", "good"],
  ["dora-diffusers", "comfyui", ["differs", /DoRA/]],
  ["lokr", "comfyui", "good"],
  ["lora-mid", "comfyui", "good"],
  ["loha", "diffusers", ["unseen", /handles LyCORIS' own tensors \(such as .*hada_w1_a\); a conversion to diffusers/]],
  ["lokr", "comfyui", ["note", /rank 24 at most.*resize --rank/]],
  ["lokr", "vllm", ["fails", /image model/]],
  ["lokr", "peft", ["fails", /kohya/]],
  ["alpha-0", "comfyui", "good"],
  ["norms", "comfyui", "good"],
  ["norms", "diffusers", ["unseen", /other than factors \(such as .*w_norm\)/]],
  ["bundle-emb", "comfyui", ["differs", /other than factors \(such as bundle_emb/]],
  ["wan-lightx2v-diff", "diffusers", ["unseen", /other than factors \(such as .*diff_b\)/]],
  ["wan-diffusers", "diffusers", "good"],
  ["wan-diffusers", "diffusers", ["note", /finds all 20 modules of the denoiser by their names \(Wan\)/]],
  ["wan-diffusers", "comfyui", ["fails", /finds none of the 20 modules by their names .*convert it to kohya\.$/]],
  ["wan-pipe", "comfyui", "good"],
  ["wan-musubi", "comfyui", ["note", /finds all 20 modules/]],
  ["sd3-diffusers", "comfyui diffusers", ["unseen", /lora-lego knows no family/]],
  [
    "flux-bfl-bare",
    "diffusers",
    ["fails", /^none of its names has a component .* diffusers .*convert it to diffusers\.$/],
  ],
  ["flux-bfl-bare", "comfyui", ["fails", /^none of its names has a component .* ComfyUI .*convert it to kohya\.$/]],
  ["wan-bare", "diffusers", ["unseen", /finds its modules by their names/]],
  ["wan-bare", "comfyui", ["fails", /finds none of the 20 modules/]],
  ["dora-kohya", "diffusers", ["differs", /the alpha of others.*; load it in ComfyUI\.$/]],
  ["flux-xlabs", "diffusers", ["note", /finds all 8 modules/]],
  ["flux-xlabs", "comfyui", ["fails", /finds none of the 8 modules .*processor\.qkv_lora1; .*convert it to kohya\.$/]],
  ["hunyuanvideo-transformer", "comfyui", "good"],
  ["hunyuanvideo-transformer", "diffusers", ["unseen", /finds its modules by their names/]],
  ["zimage-comfy", "comfyui", ["note", /finds all 4 modules/]],
  ["zimage-diffusers", "comfyui", "good"],
  ["flux2-aitoolkit", "comfyui", "good"],
  ["qwen-bare", "comfyui", "good"],
  ["sdxl-kohya", "vllm llamacpp mlx sglang tgi", ["fails", /belongs to an image model/]],
];

const rows = (kind: string, all: readonly Row[]) =>
  all.flatMap(([path, consumers, verdict, base]) =>
    consumers.split(" ").map((consumer) => ({ kind, path, consumer, verdict, base, on: base ?? "no base" })),
  );

/** Words of a verdict that the check has, or what it says instead. */
function holds(check: Check, verdict: Verdict): unknown {
  if (verdict === "good") return isGood(check) || check.findings;
  const [level, words] = verdict;
  const texts =
    level === "unseen" ? check.unseen : check.findings.filter((each) => each.level === level).map(({ text }) => text);
  return texts.some((text) => words.test(text)) || check;
}

describe.skipIf(!existsSync(CASES))("check on the cases (skipped where ../shared/cases is absent)", () => {
  it.each([...rows("llm", LLM), ...rows("image", IMAGE)])(
    "$consumer, $path on $on: $verdict",
    async ({ kind, path, consumer, verdict, base }) => {
      const at = (name: string): string => join(CASES, kind, name);
      const known = base === undefined ? {} : base.endsWith(".json") ? { baseConfig: at(base) } : { base: at(base) };
      const { adapter, close } = await openAdapterPath(at(path));
      close();
      const check = checkOpened(adapter, consumerById(consumer as ConsumerId), await openBase(known));
      expect(holds(check, verdict)).toBe(true);
    },
  );
});
