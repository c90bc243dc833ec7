import type { ModuleKind } from "../core/module-kind.ts";
import type { DialectId } from "./adapter.ts";
import type { VariantId } from "./variants.ts";

/** What a program that loads adapters accepts, according to its own code. */
export interface ConsumerFacts {
  readonly title: string;
  /** The release whose code was read; everything here holds for that release. */
  readonly version: string;
  /** Formats that it loads, the one to write first. */
  readonly formats: readonly DialectId[];
  /** The file names that it looks for. */
  readonly files: NamedFiles;
  /** Ranks that keep their meaning; null for all. */
  readonly ranks: readonly number[] | null;
  /** The largest rank that it can be started for; null for any. */
  readonly mostRank: number | null;
  /** How it must be started for a rank; null where no option is needed. */
  readonly startRank: StartRank | null;
  /** Which rank and scale it uses where modules differ: each module's own ("all"), or one for all modules ("none"). */
  readonly differing: "all" | "none";
  /** Whether it honours use_rslora; else it scales by alpha / r even then. */
  readonly rslora: boolean;
  /** Full tensors that it loads besides the factors: all, a single classifying head, LyCORIS' differences and norms, or none. */
  readonly extras: "all" | "one-head" | "side-tensors" | "none";
  /** Whether a type of module must be adapted in every layer. */
  readonly everyLayer: boolean;
  /** Whether its layers stack q, k and v, and gate and up, so that some cannot be adapted without others (`stackGaps`). */
  readonly stacks: boolean;
  /** Whether it takes parameters of all experts as tensors of three dimensions under their names, and not as PEFT saves them. */
  readonly stackedExperts: boolean;
  readonly kinds: Readonly<Record<ModuleKind, boolean>>;
  /** Models that it runs. */
  readonly models: "language" | "image" | "any";
  /** What happens to modules that its model lacks: they are left out (at most with a warning), or the adapter is refused. */
  readonly absent: "ignored" | "refused";
  readonly variants: Readonly<Record<VariantId, Handling>>;
}

/** What a program makes of an adapter that is more than a plain LoRA: applies it, refuses it, loads part of it, or nobody looked. */
export type Handling = "loads" | "fails" | "differs" | "unknown";

/** A start option that sets the largest rank that a program accepts. */
export interface StartRank {
  readonly option: string;
  /** Its possible values, ascending, and its default. */
  readonly offered: readonly number[];
  readonly default: number;
}

/** The only names under which files are found; null for any. */
export interface NamedFiles {
  readonly weights: readonly string[] | null;
  readonly config: string | null;
  /** Whether weights may be split into shards. */
  readonly sharded: boolean;
}
