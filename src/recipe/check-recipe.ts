import { UsageError } from "../core/errors.ts";
import { nearest } from "../core/suggest.ts";
import type { DataPath } from "../formats/yaml/placed-yaml.ts";
import { AUTO, type AutoChoice, chooseMethod } from "../methods/auto.ts";
import { DEFAULT_METHOD, type Method } from "../methods/method.ts";
import { mistakeIn } from "../methods/parameters.ts";
import { methodById } from "../methods/registry.ts";
import { checkOptions, type Fail, sentence, shown } from "./check-options.ts";
import { checkTarget } from "./check-target.ts";
import { checkWeights } from "./check-weights.ts";
import { modulePattern } from "./module-pattern.ts";
import type { LooseRecipe } from "./recipe.ts";
import { choicesOf, FIELD_NAMES, type Field, type FieldName, RANK_FIELDS, RECIPE_FIELDS } from "./recipe-fields.ts";

/** Refuse with the sentence alone, without a place. */
const refuse: Fail = (_, why) => {
  throw new UsageError(why);
};

/**
 * Check everything in a recipe that does not depend on the contents of its adapters: fields, their values, the method's options, the
 * rank, patterns and weights. The types refuse some mistakes already, but text and plain JavaScript have no types.
 *
 * @param inputs names of the adapters in messages, in order
 * @param fail refuses the value at a path of the recipe; recipe files add the line and column
 * @returns the method, one weight for each adapter, and why the method was chosen if the recipe leaves it open: by the weights, since
 *   what the adapters hold is not known here
 * @throws UsageError in one sentence, with the name that was most likely meant
 */
export function checkRecipe(
  recipe: LooseRecipe,
  inputs: readonly string[],
  fail: Fail = refuse,
): { readonly method: Method; readonly weights: readonly number[]; readonly chosen: AutoChoice | null } {
  const { method: id = DEFAULT_METHOD, options = {}, target, ...fields } = recipe;
  for (const [name, value] of Object.entries(fields)) checkField(name, value, fail);
  const chosen = id === AUTO ? chooseMethod(actingInputs(recipe, inputs), false) : null;
  const method = methodById(chosen?.method ?? id);
  checkOptions(chosen === null ? method : { id, parameters: {} }, options, (path, why) =>
    fail(["options", ...path], chosen !== null && path.length > 0 ? noOptions(String(path[0])) : why),
  );
  const { dora, doraRank } = fields;
  if (doraRank !== undefined && !Number.isSafeInteger(doraRank)) {
    fail(["doraRank"], `The recipe's doraRank is ${shown(doraRank)}, but must be a whole number above 0.`);
  }
  if (doraRank !== undefined && dora !== "bake") {
    fail(["doraRank"], "doraRank is the rank of what dora: bake extracts; set dora to bake, or leave doraRank out.");
  }
  if (target !== undefined) placed(["target"], fail, () => checkTarget(target));
  for (const field of ["include", "exclude"] as const) {
    for (const [i, pattern] of (recipe[field] ?? []).entries()) {
      placed([field, i], fail, () => modulePattern(pattern));
    }
  }
  for (const [i, { match }] of (recipe.moduleWeights ?? []).entries()) {
    placed(["moduleWeights", i, "match"], fail, () => modulePattern(match));
  }
  return { method, weights: checkWeights(recipe, method, inputs, fail), chosen };
}

/** How many inputs have a weight that is not 0 in some module. */
function actingInputs({ weights, moduleWeights = [], blockWeights }: LooseRecipe, inputs: readonly string[]): number {
  const lists = [weights ?? inputs.map(() => 1), ...moduleWeights.map((module) => module.weights)];
  const silent = (t: number): boolean => blockWeights?.[t]?.every((weight) => weight === 0) ?? false;
  return inputs.filter((_, t) => lists.some((list) => list[t] !== 0) && !silent(t)).length;
}

function noOptions(option: string): string {
  return `The method auto chooses has its own options, so ${option} cannot be set; name the method, or leave ${option} out.`;
}

/** The fields of a recipe object, where one target stands for the rank fields of files and flags. */
const FIELDS: readonly string[] = [
  "method",
  "options",
  "target",
  ...FIELD_NAMES.filter((name) => name !== "method" && !RANK_FIELDS.some((way) => way === name)),
];

function checkField(name: string, value: unknown, fail: Fail): void {
  if (!FIELDS.includes(name)) fail([name], unknownField(name));
  else if (value !== undefined) {
    const why = mistakeInField(RECIPE_FIELDS[name as FieldName], value);
    if (why === null) return;
    const rest = `is ${shown(value)}, but ${sentence(why)}`;
    fail([name], `The recipe's ${name} ${rest}`, rest);
  }
}

function unknownField(name: string): string {
  const meant = nearest(name, FIELDS);
  const way = meant === null ? `the fields are ${FIELDS.join(", ")}.` : `did you mean ${meant}?`;
  return `The recipe has a field ${JSON.stringify(name)}, which does not exist; ${way}`;
}

/** What is wrong with a field's value, continuing "is <value>, but"; null if nothing is. */
function mistakeInField(field: Field, value: unknown): string | null {
  switch (field.type) {
    case "choice":
      return mistakeIn({ type: "choice", choices: choicesOf(field) }, value);
    case "number":
      return mistakeIn({ ...field, type: "number" }, value);
    case "scale":
      return value === "auto" || Number.isFinite(value) ? null : "must be a finite number, or auto";
    case "switch":
      return mistakeIn({ type: "boolean" }, value);
    case "patterns":
      return listOf(value, (item) => typeof item === "string") ? null : "must be a list of patterns";
    case "weights":
      return isWeights(value) ? null : "must be a list of numbers, one for each adapter";
    case "moduleWeights":
      return listOf(value, isModuleWeights) ? null : "must be a list of { match, weights }";
    case "blockWeights":
      return listOf(value, isWeights) ? null : "must be a list of lists of numbers, one for each adapter";
    default:
      return null;
  }
}

function listOf(value: unknown, fits: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(fits);
}

function isWeights(value: unknown): boolean {
  return listOf(value, (item) => typeof item === "number");
}

function isModuleWeights(value: unknown): boolean {
  const { match, weights } = (value ?? {}) as { readonly match?: unknown; readonly weights?: unknown };
  return typeof match === "string" && isWeights(weights);
}

/** Give an error of `check` its place. */
function placed(path: DataPath, fail: Fail, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    fail(path, error.message);
  }
}
