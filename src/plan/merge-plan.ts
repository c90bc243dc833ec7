import type { AdapterModule, TensorRef } from "../adapter/adapter.ts";
import type { ConsumerId } from "../adapter/consumers.ts";
import type { Dtype, OutputDtype } from "../core/dtype.ts";
import type { StoredModule } from "../formats/peft-folder/factors.ts";
import type { FactorPlaces, Range } from "../formats/peft-folder/places.ts";
import type { AfterStep, ModuleTarget, Target } from "../methods/method.ts";
import type { RankLayout, Scale } from "../recipe/recipe.ts";
import type { PoolMemory } from "../units/memory.ts";
import type { Warning } from "./warning.ts";

/** One module to merge: its part of each input, and where the result goes. */
export interface PlannedModule extends StoredModule, FactorPlaces {
  readonly in: number;
  readonly parts: readonly { readonly input: number; readonly module: AdapterModule }[];
  /** The weight of each input in this module, whether the input has it or not. */
  readonly weights: readonly number[];
  /** The plan's target, or this module's share of it if that is a budget. */
  readonly target: ModuleTarget;
  /** Rank to write; smaller results are padded with zero units. */
  readonly rank: number;
  /** How its units are read, and the kernel memory for merging it. */
  readonly memory: PoolMemory;
  /** Bytes beside the kernels' that it takes: tensors that hold the factors of all experts are kept while one after the other is merged. */
  readonly held: number;
}

/** One input's part in a tensor of the output. */
export interface ExtraSource {
  readonly input: number;
  readonly tensor: TensorRef;
  readonly share: number;
}

/** A tensor of the output other than LoRA factors: copies of inputs', or weighted sums of several. */
export interface PlannedExtra extends Range {
  readonly key: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /**
   * Its parts of equal size, one after the other: the rows of a table of tokens, else one. The sources of each are added up, times their
   * shares; one with the share 1 is copied byte for byte where its type is kept and nothing scales it.
   */
  readonly parts: readonly (readonly ExtraSource[])[];
  /** Whether lambda multiplies it: a bias next to B is part of its module's delta. */
  readonly scaled: boolean;
}

/** What a recipe means for given adapters: plain data that any thread can execute any part of. */
export interface MergePlan {
  readonly method: string;
  /** Why this method, in one sentence, if the recipe left it open (auto); null if the recipe names it. */
  readonly chosen: string | null;
  readonly options: unknown;
  readonly target: Target;
  /** The step that follows the method, or null. */
  readonly after: AfterStep | null;
  /** lambda; auto until the merge has computed it. */
  readonly scale: Scale;
  readonly inputs: readonly { readonly name: string; readonly weight: number }[];
  /** What the files of the inputs that take part say to write in prompts; empty for language models. */
  readonly triggerWords: readonly string[];
  readonly dtype: OutputDtype;
  /** The scale that all inputs share, kept out of the factors; null if scales are folded in. */
  readonly sharedScale: number | null;
  /** The program that will load the result and decides its form, or null. */
  readonly consumer: ConsumerId | null;
  readonly rankLayout: RankLayout;
  /** The largest rank of a module. */
  readonly rank: number;
  readonly modules: readonly PlannedModule[];
  /** Modules written with zero factors, for consumers that need a module type in every layer. */
  readonly zeros: readonly StoredModule[];
  readonly extras: readonly PlannedExtra[];
  /** Extras that are not written, by input. */
  readonly skipped: readonly { readonly input: number; readonly tensor: string }[];
  /** Modules that are not written, with the reason as text. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
  /** adapter_config.json of the output. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly warnings: readonly Warning[];
  /** Size of the output file in bytes. */
  readonly size: number;
}

/** A plan whose lambda is known. */
export type ScaledPlan = MergePlan & { readonly scale: number };

/** Whether a module has more units than have a matrix of all pairs. */
export function isCrowded({ modules }: Pick<MergePlan, "modules">): boolean {
  return modules.some(({ memory }) => memory.streamed);
}

/** Whether a plan's lambda is known. */
export function isScaled(plan: MergePlan): plan is ScaledPlan {
  return plan.scale !== "auto";
}

/** Indices of the inputs that take part in some module; `moduleWeights` may include an input whose own weight is 0. */
export function usedInputs({ modules }: Pick<MergePlan, "modules">): ReadonlySet<number> {
  return new Set(modules.flatMap(({ parts }) => parts.map(({ input }) => input)));
}
