import { RECIPE_KEY } from "../formats/recipe-key.ts";
import type { LooseRecipe } from "./recipe.ts";
import { fieldsAmong, fieldsOf } from "./recipe-fields.ts";
import type { RecipeFile, RecipeSource, RecipeStep } from "./recipe-file.ts";
import type { MergeData } from "./recipe-schema.ts";

/** The file in a merged adapter's folder that says how it was made. */
export const RECIPE_FILE = "recipe.yaml";

/** A single file's metadata with how it was made: what `RECIPE_FILE` says in a folder. */
export function withRecipe(
  metadata: ReadonlyMap<string, string>,
  steps: readonly RecipeStep[],
): ReadonlyMap<string, string> {
  return new Map([...metadata, [RECIPE_KEY, recipeText({ steps, out: null, to: null, report: null })]]);
}

/** Words that need no quotes, except those that some YAML reader misreads. */
const PLAIN = /^[A-Za-z_][\w./-]*$/;
const SPECIAL = /^(true|false|yes|no|on|off|y|n|null)$/i;

/**
 * A recipe file as YAML, which `parseRecipe` reads back unchanged. Does not use the package yaml, because loading that takes
 * longer than a small merge.
 *
 * @example
 * ```ts
 * import { recipeText } from "lora-lego";
 *
 * const step = { name: null, adapters: [{ path: "math" }, { path: "med" }], recipe: { weights: [1, 2] } };
 * console.log(recipeText({ steps: [step], out: "merged", to: null, report: null }).split("\n")[0]); // adapters:
 * ```
 */
export function recipeText({ steps, out, to, report }: RecipeFile): string {
  const file = {
    ...(steps.length === 1 && steps[0]!.name === null ? mergeData(steps[0]!) : { steps: steps.map(stepData) }),
    ...(out !== null && { out }),
    ...(to !== null && { to }),
    ...(report !== null && { report }),
  };
  return [...mapLines(file), ""].join("\n");
}

function stepData(step: RecipeStep) {
  return { name: step.name, ...mergeData(step) };
}

function mergeData({ adapters, recipe }: RecipeStep): MergeData {
  const { weights = [], target, options = {}, ...fields } = recipe as LooseRecipe;
  const { method, ...others } = fieldsAmong({ ...fields, ...(target !== undefined && fieldsOf(target)) });
  return {
    adapters: adapters.map((source, t) => adapterData(source, weights[t] ?? 1)),
    ...(method !== undefined && { method }),
    ...(Object.keys(options).length > 0 && { options }),
    ...others,
  };
}

function adapterData(source: RecipeSource, weight: number) {
  if ("path" in source && weight === 1) return source.path;
  return weight === 1 ? source : { ...source, weight };
}

/** A map in block style, with its lists of maps; lists of scalars or lists, and everything deeper, go on one line. */
function mapLines(map: object): string[] {
  return Object.entries(map).flatMap(([key, value]) => {
    if (Array.isArray(value) && value.some((item) => typeof item === "object" && !Array.isArray(item))) {
      return [`${key}:`, ...value.flatMap(itemLines)];
    }
    if (typeof value !== "object" || Array.isArray(value)) return [`${key}: ${flow(value)}`];
    return [`${key}:`, ...mapLines(value).map((line) => `  ${line}`)];
  });
}

function itemLines(item: string | object): string[] {
  if (typeof item !== "object") return [`  - ${flow(item)}`];
  return mapLines(item).map((line, i) => `  ${i === 0 ? "- " : "  "}${line}`);
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  // JSON strings are YAML double-quoted strings, except for control characters that YAML wants escaped.
  if (typeof value !== "string") return JSON.stringify(value);
  if (PLAIN.test(value) && !SPECIAL.test(value)) return value;
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
