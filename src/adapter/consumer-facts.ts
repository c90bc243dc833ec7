import { CONFIG_FILE, PICKLED_WEIGHTS_FILE, TORCH_WEIGHTS_FILE, WEIGHTS_FILE } from "../formats/peft-folder/files.ts";
import type { ConsumerFacts, NamedFiles } from "./consumer.ts";

/** The programs that load adapters and whose rules are known here. */
export const CONSUMER_IDS = ["vllm", "sglang", "llamacpp", "tgi", "peft", "diffusers", "mlx", "comfyui"] as const;
/** A program that loads adapters. */
export type ConsumerId = (typeof CONSUMER_IDS)[number];

/** A program that loads adapters, and what it takes. */
export interface Consumer extends ConsumerFacts {
  readonly id: ConsumerId;
}

const PLAIN = { everyLayer: false, stacks: false, stackedExperts: false, rslora: true, startRank: null } as const;
const ANY_RANK = { ranks: null, mostRank: null } as const;
const VLLM_RANKS = [1, 8, 16, 32, 64, 128, 256, 320, 512];
const ANY_FILE: NamedFiles = { weights: null, config: null, sharded: false };
const PEFT_WEIGHTS = [WEIGHTS_FILE, PICKLED_WEIGHTS_FILE] as const;

/** For formats that hold no variant but DoRA. */
const NO_VARIANTS = {
  dora: "fails",
  lora_bias: "fails",
  alora: "fails",
  target_parameters: "fails",
  token_indices: "fails",
  layer_replication: "fails",
  changed_base: "fails",
  incomplete: "fails",
  other_method: "fails",
} as const;

/** What the code of each consumer's version does (docs/formats/consumers.md). */
const FACTS: Readonly<Record<ConsumerId, ConsumerFacts>> = {
  vllm: {
    ...PLAIN,
    title: "vLLM",
    version: "0.33.0",
    formats: ["peft"],
    files: { weights: [...PEFT_WEIGHTS, TORCH_WEIGHTS_FILE], config: CONFIG_FILE, sharded: false },
    ranks: null,
    mostRank: VLLM_RANKS.at(-1)!,
    startRank: { option: "--max-lora-rank", offered: VLLM_RANKS, default: 16 },
    differing: "all",
    extras: "one-head",
    kinds: { linear: true, embedding: true, conv: false },
    models: "language",
    absent: "ignored",
    variants: { ...NO_VARIANTS, target_parameters: "loads" },
  },
  sglang: {
    ...PLAIN,
    title: "SGLang",
    version: "0.5.23",
    formats: ["peft"],
    files: { weights: null, config: CONFIG_FILE, sharded: true },
    ...ANY_RANK,
    differing: "none",
    rslora: false,
    extras: "none",
    stacks: true,
    stackedExperts: true,
    kinds: { linear: true, embedding: true, conv: false },
    models: "language",
    absent: "ignored",
    variants: {
      ...NO_VARIANTS,
      lora_bias: "unknown",
      alora: "differs",
      target_parameters: "fails",
      token_indices: "differs",
      layer_replication: "differs",
      changed_base: "differs",
    },
  },
  llamacpp: {
    ...PLAIN,
    title: "llama.cpp",
    version: "in node-llama-cpp 3.22",
    formats: ["gguf"],
    files: ANY_FILE,
    ...ANY_RANK,
    differing: "all",
    extras: "none",
    kinds: { linear: true, embedding: true, conv: false },
    models: "language",
    absent: "refused",
    variants: { ...NO_VARIANTS, alora: "loads" },
  },
  tgi: {
    ...PLAIN,
    title: "TGI",
    version: "3.3",
    formats: ["peft"],
    files: { weights: null, config: CONFIG_FILE, sharded: true },
    ranks: [8, 16, 32, 64, 128],
    mostRank: 128,
    differing: "none",
    extras: "none",
    everyLayer: true,
    kinds: { linear: true, embedding: false, conv: false },
    models: "language",
    absent: "ignored",
    variants: {
      ...NO_VARIANTS,
      dora: "differs",
      lora_bias: "differs",
      alora: "differs",
      target_parameters: "differs",
      token_indices: "differs",
      layer_replication: "differs",
      changed_base: "differs",
    },
  },
  peft: {
    ...PLAIN,
    title: "PEFT",
    version: "0.21.2",
    formats: ["peft"],
    files: { weights: PEFT_WEIGHTS, config: CONFIG_FILE, sharded: false },
    ...ANY_RANK,
    differing: "all",
    extras: "all",
    kinds: { linear: true, embedding: true, conv: true },
    models: "any",
    absent: "ignored",
    variants: {
      dora: "loads",
      lora_bias: "loads",
      alora: "loads",
      target_parameters: "loads",
      token_indices: "loads",
      layer_replication: "loads",
      changed_base: "loads",
      incomplete: "differs",
      other_method: "loads",
    },
  },
  diffusers: {
    ...PLAIN,
    title: "diffusers",
    version: "0.42.1",
    formats: ["diffusers", "kohya"],
    files: ANY_FILE,
    ...ANY_RANK,
    differing: "all",
    extras: "none",
    kinds: { linear: true, embedding: false, conv: true },
    models: "image",
    absent: "ignored",
    variants: { ...NO_VARIANTS, dora: "loads", lora_bias: "loads", other_method: "unknown" },
  },
  mlx: {
    ...PLAIN,
    title: "mlx-lm",
    version: "0.32.2",
    formats: ["mlx"],
    files: { weights: ["adapters.safetensors"], config: CONFIG_FILE, sharded: false },
    ...ANY_RANK,
    differing: "none",
    extras: "none",
    kinds: { linear: true, embedding: true, conv: false },
    models: "language",
    absent: "refused",
    variants: { ...NO_VARIANTS, dora: "loads" },
  },
  comfyui: {
    ...PLAIN,
    title: "ComfyUI",
    version: "0.9.1",
    formats: ["kohya", "diffusers"],
    files: ANY_FILE,
    ...ANY_RANK,
    differing: "all",
    extras: "side-tensors",
    kinds: { linear: true, embedding: false, conv: true },
    models: "image",
    absent: "ignored",
    variants: { ...NO_VARIANTS, dora: "loads", other_method: "loads" },
  },
};

/** Every consumer that is known. */
export const CONSUMERS: readonly Consumer[] = CONSUMER_IDS.map((id) => ({ id, ...FACTS[id] }));
