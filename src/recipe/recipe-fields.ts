import { CONSUMER_IDS, type ConsumerId, consumerById } from "../adapter/consumers.ts";
import { DEFAULT_METHOD, type EnergyRule, type Target } from "../methods/method.ts";
import type { LooseRecipe, ModuleWeights, RecipeFields, Scale } from "./recipe.ts";

/** A recipe as files and flags write it, with the rank in one of several ways. Files write weights with the adapters. */
export interface SaidRecipe extends Omit<RecipeFields, "target"> {
  readonly method?: string;
  readonly rank?: number | "full";
  readonly keep?: number;
  readonly energy?: { readonly rule: EnergyRule; readonly threshold: number };
  readonly budget?: number;
}

/** Which values a field takes; checks, flags, schemas and forms are made from it. */
type FieldType<Value> = [Value] extends [boolean]
  ? { readonly type: "switch" }
  : [Value] extends [number]
    ? { readonly type: "number"; readonly above?: number; readonly most?: number }
    : [Value] extends [Scale]
      ? { readonly type: "scale" }
      : [Value] extends [readonly string[]]
        ? { readonly type: "patterns" }
        : [Value] extends [readonly number[]]
          ? { readonly type: "weights" }
          : [Value] extends [readonly ModuleWeights[]]
            ? { readonly type: "moduleWeights" }
            : [Value] extends [readonly (readonly number[])[]]
              ? { readonly type: "blockWeights" }
              : [Value] extends [string]
                ? string extends Value
                  ? { readonly type: "method" }
                  : /** Its words and their labels in a form; `none` is the label of no choice. */
                    {
                      readonly type: "choice";
                      readonly choices: Readonly<Record<Value, string>>;
                      readonly none?: string;
                    }
                : { readonly type: "rank" | "energy" };

/** The fields with a default. The compiler holds the table to it: each of these has one there, and no other field. */
type Defaulted = "method" | "scale" | "dtype" | "extras" | "allowPartial";

/** One field: its name is the key in files and, in kebab-case, the flag. */
type FieldOf<Name, Value> = FieldType<Value> & {
  /** Name of its value in --help; a switch has none. */
  readonly value?: string;
  /** The value of an absent field; null if there is none, or if it depends on other things. */
  readonly default: Name extends Defaulted ? Value : null;
  /** What it is for: one sentence without a full stop. */
  readonly help: string;
  /** Its label in a form; absent if the form does not offer it. */
  readonly label?: string;
};

/** Every field of a recipe except its adapters and its method's options, in the order of files and --help. */
export const RECIPE_FIELDS: { readonly [Key in keyof SaidRecipe]-?: FieldOf<Key, Required<SaidRecipe>[Key]> } = {
  method: {
    type: "method",
    value: "id",
    default: DEFAULT_METHOD,
    help: "merge method; auto chooses by the number of adapters (docs/methods describes each)",
    label: "Method",
  },
  weights: {
    type: "weights",
    value: "list",
    default: null,
    help: "one weight for each adapter, such as 1,0.5,2 (default: 1 each)",
  },
  rank: {
    type: "rank",
    value: "k",
    default: null,
    help: "rank of the result (default: the largest input rank; for auto, twice that for more adapters than it; for lego, their geometric mean; for exact sums, the sum of the ranks)",
    label: "Rank",
  },
  keep: {
    type: "number",
    above: 0,
    most: 1,
    value: "share",
    default: null,
    help: "share of each module's units to keep, such as 0.5",
  },
  energy: {
    type: "energy",
    value: "rule=t",
    default: null,
    help: "choose each module's rank by its singular values: sv_ratio, sv_cumulative or sv_fro",
  },
  budget: {
    type: "number",
    above: 0,
    value: "k",
    default: null,
    help: "share out as many ranks as rank k gives all modules together, more to those that need more (docs/budget.md)",
  },
  after: {
    type: "choice",
    choices: { svc: "singular value calibration" },
    none: "nothing",
    value: "step",
    default: null,
    help: "follow the method with singular value calibration (docs/methods/svc.md)",
    label: "After the method",
  },
  scale: {
    type: "scale",
    value: "x",
    default: 1,
    help: "multiply the merged delta by this, or auto: by a factor computed from the adapters (docs/scale.md)",
    label: "Factor of the delta",
  },
  dtype: {
    type: "choice",
    choices: { auto: "the adapters'", f32: "f32", f16: "f16", bf16: "bf16" },
    value: "type",
    default: "auto",
    help: "element type of the result; auto is f16 or bf16 where all adapters have that, else f32",
    label: "Element type",
  },
  extras: {
    type: "choice",
    choices: {
      error: "refuse them",
      drop: "leave them out",
      first: "the first adapter's",
      average: "their average",
    },
    value: "policy",
    default: "error",
    help: "what to do with heads, biases and other full tensors",
    label: "Heads and other full tensors",
  },
  dora: {
    type: "choice",
    choices: { bake: "extract what they change in the base", drop: "leave them out" },
    value: "policy",
    default: null,
    help: "what to do with magnitudes of DoRA: bake them into a LoRA with --base, or drop them (default: refuse them)",
  },
  doraRank: {
    type: "number",
    above: 0,
    value: "k",
    default: null,
    help: "rank of the LoRA that --dora bake makes of each module (default: the module's own)",
  },
  allowPartial: {
    type: "switch",
    default: false,
    help: "accept adapters that share no module or end at different layers",
    label: "accept adapters that share no module or end at different layers",
  },
  for: {
    type: "choice",
    choices: Object.fromEntries(CONSUMER_IDS.map((id) => [id, consumerById(id).title])) as Record<ConsumerId, string>,
    none: "any program",
    value: "consumer",
    default: null,
    help: "fit format, rank and fields to the program that will load the result",
    label: "For",
  },
  rankLayout: {
    type: "choice",
    choices: { uniform: "one for all modules", pattern: "each module its own" },
    none: "default",
    value: "layout",
    default: null,
    help: "one rank, or each module its own (default: uniform; with a budget pattern, if the program reads it)",
    label: "Ranks",
  },
  include: {
    type: "patterns",
    value: "pattern",
    default: null,
    help: "merge only modules whose path ends with this, such as q_proj, layers.1*.** or double_blocks.0-9",
    label: "Only modules",
  },
  exclude: {
    type: "patterns",
    value: "pattern",
    default: null,
    help: "leave out modules whose path ends with this",
    label: "Without modules",
  },
  moduleWeights: {
    type: "moduleWeights",
    value: "pattern=list",
    default: null,
    help: "weights for modules whose path ends with this, such as q_proj=1,0.5; the last match counts",
  },
  blockWeights: {
    type: "blockWeights",
    value: "list",
    default: null,
    help: "multiply an image adapter's weight block by block: a list for each adapter in their order, 1 for one that stays as it is (docs/formats/families.md)",
  },
};

/** Any field of the table. */
export type Field = (typeof RECIPE_FIELDS)[FieldName];
export type FieldName = keyof SaidRecipe;
export const FIELD_NAMES = Object.keys(RECIPE_FIELDS) as readonly FieldName[];

/** The given fields of a recipe or options: all that are not undefined. */
export function given<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
}

/** The fields that set the rank of the result; only one of them may be given. */
export const RANK_FIELDS = ["rank", "keep", "energy", "budget"] as const;
type RankField = (typeof RANK_FIELDS)[number];

/** The words that a field with choices takes. */
export function choicesOf({ choices }: { readonly choices: Readonly<Record<string, string>> }): readonly string[] {
  return Object.keys(choices);
}

/** The recipe fields among flags or keys, without undefined ones. */
export function fieldsAmong(given: { readonly [Name in FieldName]?: unknown }): SaidRecipe {
  return Object.fromEntries(
    FIELD_NAMES.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
  ) as SaidRecipe;
}

/** The recipe that fields stand for, unchecked. */
export function recipeOf({ rank, keep, energy, budget, ...fields }: SaidRecipe): LooseRecipe {
  const target = targetOf({ rank, keep, energy, budget });
  return { ...fields, ...(target !== null && { target }) };
}

/** The rank asked for, in one of several ways; null for the method's own. */
function targetOf({ rank, keep, energy, budget }: { [Way in RankField]: SaidRecipe[Way] | undefined }): Target | null {
  if (rank !== undefined) return rank === "full" ? { kind: "full" } : { kind: "rank", rank };
  if (keep !== undefined) return { kind: "share", share: keep };
  if (budget !== undefined) return { kind: "budget", rank: budget };
  return energy === undefined ? null : { kind: "energy", ...energy };
}

/** The fields that express a target; the inverse of `recipeOf`. */
export function fieldsOf(target: Target): Pick<SaidRecipe, RankField> {
  if (target.kind === "rank") return { rank: target.rank };
  if (target.kind === "share") return { keep: target.share };
  if (target.kind === "budget") return { budget: target.rank };
  return target.kind === "full" ? { rank: "full" } : { energy: { rule: target.rule, threshold: target.threshold } };
}

/** A recipe in which every field that has a default is given. */
export type FilledRecipe = LooseRecipe & Required<Pick<LooseRecipe, Defaulted>>;

/** Fill in the default of every field that has one; undefined fields count as absent. */
export function withDefaults(recipe: LooseRecipe): FilledRecipe {
  const defaults = FIELD_NAMES.map((name) => [name, RECIPE_FIELDS[name].default]);
  return { ...Object.fromEntries(defaults.filter(([, value]) => value !== null)), ...given(recipe) };
}
