import type { AdapterModule, TensorRef } from "../adapter/adapter.ts";
import type { ConsumerId } from "../adapter/consumers.ts";
import type { Dtype, OutputDtype } from "../core/dtype.ts";
import type { StoredModule } from "../formats/peft-folder/factors.ts";
import type { AfterStep, Target } from "../methods/method.ts";
import type { RankLayout } from "../recipe/recipe.ts";
import type { PoolMemory } from "../units/memory.ts";
import type { Warning } from "./warning.ts";

/** A byte range of the output file. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/** One module to merge: its share of each input, and where the result goes. */
export interface PlannedModule extends StoredModule {
  readonly in: number;
  readonly parts: readonly { readonly input: number; readonly module: AdapterModule }[];
  /** The weight of each input here, whether it has the module or not. */
  readonly weights: readonly number[];
  /** Rank that it is written with; shorter results are padded with zero units. */
  readonly rank: number;
  readonly a: Range;
  readonly b: Range;
  /** How its units are read, and the kernel memory that merging it takes. */
  readonly memory: PoolMemory;
}

/** A tensor beside the LoRA factors that goes into the output: a copy of one input's, or the weighted average of several. */
export interface PlannedExtra extends Range {
  readonly key: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** One source is copied byte for byte; several are averaged with these shares. */
  readonly sources: readonly { readonly input: number; readonly tensor: TensorRef; readonly share: number }[];
}

/** What a recipe means for given adapters: plain data that any thread can execute any part of. */
export interface MergePlan {
  readonly method: string;
  readonly options: unknown;
  readonly target: Target;
  /** The step that follows the method, or null. */
  readonly after: AfterStep | null;
  /** lambda. */
  readonly scale: number;
  readonly inputs: readonly { readonly name: string; readonly weight: number }[];
  readonly dtype: OutputDtype;
  /** The one scale of all inputs that the factors are left without, or null where scales are folded in. */
  readonly sharedScale: number | null;
  /** What is to load the result, where that decides its form; else null. */
  readonly consumer: ConsumerId | null;
  readonly rankLayout: RankLayout;
  /** The largest rank of a module. */
  readonly rank: number;
  readonly modules: readonly PlannedModule[];
  /** Modules that are written with zero factors, for consumers that want a type of module in every layer. */
  readonly zeros: readonly StoredModule[];
  readonly extras: readonly PlannedExtra[];
  /** Extras that are not written, by input. */
  readonly skipped: readonly { readonly input: number; readonly tensor: string }[];
  /** Modules that are not written, and why, in words. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
  /** adapter_config.json of the output. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly warnings: readonly Warning[];
  /** Size of the output file in bytes. */
  readonly size: number;
}

/** The inputs that have a share in some module of the result, by index. A weight of 0 for all modules may be another for some. */
export function usedInputs({ modules }: Pick<MergePlan, "modules">): ReadonlySet<number> {
  return new Set(modules.flatMap(({ parts }) => parts.map(({ input }) => input)));
}
