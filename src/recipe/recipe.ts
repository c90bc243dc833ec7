import type { ConsumerId } from "../adapter/consumers.ts";
import type { AfterStep, Target } from "../methods/method.ts";
import type { MethodChoice } from "../methods/method-options.ts";

/** What to do with tensors other than LoRA factors (heads, biases, modules_to_save). */
export type ExtrasPolicy = "error" | "drop" | "first" | "average";

/** What becomes of DoRA's magnitudes: bake extracts what they change in the base as a LoRA, drop leaves them out. */
export type DoraPolicy = "bake" | "drop";

/** How ranks are laid out in the output: one for all modules, or each module its own (rank_pattern). */
export type RankLayout = "uniform" | "pattern";

/** Element types of the output; auto keeps f16 or bf16 if all inputs use it, else f32. */
export type DtypeChoice = "auto" | "f32" | "f16" | "bf16";

/** lambda, or auto to compute it from the adapters. */
export type Scale = number | "auto";

/** One weight per adapter for the modules that a pattern matches; 0 leaves an adapter out of them. */
export interface ModuleWeights {
  readonly match: string;
  readonly weights: readonly number[];
}

/** What a recipe says besides its method. `RECIPE_FIELDS` holds the defaults. */
export interface RecipeFields {
  /** The rank asked for. Default: the method's. */
  readonly target?: Target;
  /** A step that follows the method. Default: none. */
  readonly after?: AfterStep;
  /** One weight per adapter. Default 1 each; 0 leaves an adapter out. */
  readonly weights?: readonly number[];
  /** lambda: multiplies the merged delta as the last step; auto computes it from the adapters (docs/scale.md). Default 1. */
  readonly scale?: Scale;
  /** Default auto. */
  readonly dtype?: DtypeChoice;
  /** Default error. */
  readonly extras?: ExtrasPolicy;
  /** Default: adapters with magnitudes are refused. */
  readonly dora?: DoraPolicy;
  /** For bake: the rank of every module. Default: each module's own in its adapter. */
  readonly doraRank?: number;
  /** Accept adapters that share no module or end at different layers. Default false. */
  readonly allowPartial?: boolean;
  /** The program that will load the result; rank and fields are fitted to it. Default: any program. */
  readonly for?: ConsumerId;
  /** Default uniform; pattern for a budget, if the program that the result is for reads it. */
  readonly rankLayout?: RankLayout;
  /** Patterns of the modules that go into the result (`modulePattern` says what they match). Default: all. */
  readonly include?: readonly string[];
  /** Patterns of modules that are left out, included or not. Default: none. */
  readonly exclude?: readonly string[];
  /** Weights of single modules instead of `weights`; where several match, the last one counts. */
  readonly moduleWeights?: readonly ModuleWeights[];
  /**
   * For adapters of image and video models: a list for each adapter, with a number for each block of its family or one number for all, by
   * which the adapter's weight there is multiplied. Default: 1 everywhere.
   */
  readonly blockWeights?: readonly (readonly number[])[];
}

/** What to merge and how, without the adapters themselves. Plain data; options are typed by the method. */
export type Recipe = MethodChoice & RecipeFields;

/** A recipe from text or plain JavaScript: any method and any options, until `checkRecipe` has checked them. */
export interface LooseRecipe extends RecipeFields {
  readonly method?: string;
  readonly options?: Readonly<Record<string, unknown>>;
}
