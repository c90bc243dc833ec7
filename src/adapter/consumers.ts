import { UsageError } from "../core/errors.ts";
import type { DialectId, ModuleKind } from "./adapter.ts";

/** What a program that loads adapters takes, as its own code has it. */
export interface Consumer {
  readonly id: ConsumerId;
  readonly title: string;
  /** Formats that it loads, the one to write first. */
  readonly formats: readonly DialectId[];
  /** Ranks that keep their meaning; null for all. */
  readonly ranks: readonly number[] | null;
  /** The largest rank that it can be started with; null for any. */
  readonly mostRank: number | null;
  /** What it reads of modules that differ: each its own rank and scale, ranks alone, or one of both for all. */
  readonly differing: "all" | "ranks" | "none";
  /** Whether heads, biases and modules_to_save are loaded. */
  readonly extras: boolean;
  /** Whether a type of module must be adapted in every layer. */
  readonly everyLayer: boolean;
  readonly kinds: readonly ModuleKind[];
  /** Models that it runs. */
  readonly models: "language" | "image" | "any";
}

export const CONSUMER_IDS = ["vllm", "llamacpp", "tgi", "peft", "diffusers", "mlx", "comfyui"] as const;
export type ConsumerId = (typeof CONSUMER_IDS)[number];

const ANY_RANK = { ranks: null, mostRank: null } as const;
const FACTORS_ONLY = { extras: false, everyLayer: false } as const;

const CONSUMERS: readonly Consumer[] = [
  {
    id: "vllm",
    title: "vLLM",
    formats: ["peft"],
    ranks: null,
    mostRank: 512,
    differing: "ranks",
    ...FACTORS_ONLY,
    kinds: ["linear", "embedding"],
    models: "language",
  },
  {
    id: "llamacpp",
    title: "llama.cpp",
    formats: ["gguf"],
    ...ANY_RANK,
    differing: "all",
    ...FACTORS_ONLY,
    kinds: ["linear", "embedding"],
    models: "language",
  },
  {
    id: "tgi",
    title: "TGI / LoRAX",
    formats: ["peft"],
    ranks: [8, 16, 32, 64, 128],
    mostRank: 128,
    differing: "none",
    extras: false,
    everyLayer: true,
    kinds: ["linear"],
    models: "language",
  },
  {
    id: "peft",
    title: "PEFT",
    formats: ["peft"],
    ...ANY_RANK,
    differing: "all",
    extras: true,
    everyLayer: false,
    kinds: ["linear", "embedding", "conv"],
    models: "any",
  },
  {
    id: "diffusers",
    title: "diffusers",
    formats: ["diffusers", "kohya"],
    ...ANY_RANK,
    differing: "all",
    ...FACTORS_ONLY,
    kinds: ["linear", "conv"],
    models: "image",
  },
  {
    id: "mlx",
    title: "mlx-lm",
    formats: ["mlx"],
    ...ANY_RANK,
    differing: "none",
    ...FACTORS_ONLY,
    kinds: ["linear", "embedding"],
    models: "language",
  },
  {
    id: "comfyui",
    title: "ComfyUI / A1111",
    formats: ["kohya", "diffusers"],
    ...ANY_RANK,
    differing: "all",
    ...FACTORS_ONLY,
    kinds: ["linear", "conv"],
    models: "image",
  },
];

/** A consumer by its id. @throws UsageError for an unknown one */
export function consumerById(id: string): Consumer {
  const found = CONSUMERS.find((consumer) => consumer.id === id);
  if (found !== undefined) return found;
  throw new UsageError(`There is no consumer "${id}"; choose one of ${CONSUMER_IDS.join(", ")}.`);
}

/** The least rank that a consumer takes and that holds `rank` units; null where there is none. */
export function paddedRank({ ranks, mostRank }: Consumer, rank: number): number | null {
  if (mostRank !== null && rank > mostRank) return null;
  return ranks === null ? rank : (ranks.find((candidate) => candidate >= rank) ?? null);
}

/** Ranks that vLLM can be started for, and the one that it is started for otherwise. */
const VLLM_RANKS = [1, 8, 16, 32, 64, 128, 256, 320, 512];
const VLLM_DEFAULT_RANK = 16;

/** How a program must be started to take a rank; null where any start will do. @param always also where its default is enough */
export function startedFor({ id }: Consumer, rank: number, always: boolean): string | null {
  if (id !== "vllm" || (!always && rank <= VLLM_DEFAULT_RANK)) return null;
  const offered = VLLM_RANKS.find((each) => each >= rank)!;
  return `start vLLM with --max-lora-rank ${offered} or more (its default is ${VLLM_DEFAULT_RANK}).`;
}

/** A module's place: its layer (the first number of its path) and its type, the path without that. */
export function placeOf(module: string): { readonly type: string; readonly layer: number } | null {
  const match = /^(.*?)\.(\d+)\.(.+)$/.exec(module);
  return match === null ? null : { type: `${match[1]}.*.${match[3]}`, layer: Number(match[2]) };
}

/** The layers that some module has and one of this type lacks, by type. */
export function missingLayers(modules: Iterable<string>): Map<string, number[]> {
  const types = new Map<string, Set<number>>();
  for (const name of modules) {
    const place = placeOf(name);
    if (place === null) continue;
    types.set(place.type, (types.get(place.type) ?? new Set()).add(place.layer));
  }
  const last = Math.max(-1, ...[...types.values()].flatMap((layers) => [...layers]));
  const missing = new Map<string, number[]>();
  for (const [type, layers] of types) {
    const lacking = Array.from({ length: last + 1 }, (_, layer) => layer).filter((layer) => !layers.has(layer));
    if (lacking.length > 0) missing.set(type, lacking);
  }
  return missing;
}
