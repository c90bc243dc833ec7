import type { ModuleKind } from "../core/module-kind.ts";
import type { DialectId } from "./adapter.ts";
import type { VariantId } from "./variants.ts";

/** What a program that loads adapters takes, as its own code has it. */
export interface Consumer {
  readonly id: ConsumerId;
  readonly title: string;
  /** The release whose code was read: everything here holds for that one. */
  readonly version: string;
  /** Formats that it loads, the one to write first. */
  readonly formats: readonly DialectId[];
  /** What it calls the files of an adapter, where it takes no other names. */
  readonly files: NamedFiles;
  /** Ranks that keep their meaning; null for all. */
  readonly ranks: readonly number[] | null;
  /** The largest rank that it can be started with; null for any. */
  readonly mostRank: number | null;
  /** How it must be started for a rank; null where any start will do. */
  readonly startRank: StartRank | null;
  /** What it reads of modules that differ: each its own rank and scale, or one of both for all. */
  readonly differing: "all" | "none";
  /** Of a config with use_rslora: the scale that it means, or alpha / r all the same. */
  readonly rslora: boolean;
  /** Full tensors beside the factors that are loaded: all, a single head that classifies, LyCORIS' differences and norms, none. */
  readonly extras: "all" | "one-head" | "side-tensors" | "none";
  /** Whether a type of module must be adapted in every layer. */
  readonly everyLayer: boolean;
  /** Whether its layers stack q, k and v, and gate and up, so that some may not be adapted without others (`stackGaps`). */
  readonly stacks: boolean;
  readonly kinds: Readonly<Record<ModuleKind, boolean>>;
  /** Models that it runs. */
  readonly models: "language" | "image" | "any";
  /** What becomes of modules that its model does not have: left out with a warning at most, or the adapter is refused. */
  readonly absent: "ignored" | "refused";
  readonly variants: Readonly<Record<VariantId, Handling>>;
}

/** What a program makes of an adapter that is more than a plain LoRA: applies it, refuses it, loads a part of it; or nobody looked. */
export type Handling = "loads" | "fails" | "differs" | "unknown";

/** An option that a program is started with, for the largest rank that it then takes. */
export interface StartRank {
  readonly option: string;
  /** The values that it may have, ascending, and the one that it has by itself. */
  readonly offered: readonly number[];
  readonly default: number;
}

/** The only names under which files are found; null for any. */
export interface NamedFiles {
  readonly weights: readonly string[] | null;
  readonly config: string | null;
  /** Whether weights may lie in shards. */
  readonly sharded: boolean;
}

/** Formats that can be asked for; comfyui is whichever of the two that ComfyUI loads holds the modules. */
export const FORMAT_IDS = ["peft", "kohya", "diffusers", "comfyui", "mlx", "gguf"] as const;
/** A format that can be asked for. */
export type FormatId = (typeof FORMAT_IDS)[number];

/** The programs that load adapters and whose rules are known here. */
export const CONSUMER_IDS = ["vllm", "sglang", "llamacpp", "tgi", "peft", "diffusers", "mlx", "comfyui"] as const;
/** A program that loads adapters. */
export type ConsumerId = (typeof CONSUMER_IDS)[number];
