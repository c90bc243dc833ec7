import type { MergePlan } from "./merge-plan.ts";
import type { DtypeChoice, Recipe } from "./recipe.ts";
import type { RecipeFile, RecipeSource, RecipeStep } from "./recipe-file.ts";
import type { MergeData } from "./recipe-schema.ts";

/** The file of a merged adapter's folder that says how it was made. */
export const RECIPE_FILE = "recipe.yaml";

/** A recipe with every default that the plan filled in, so that it means the same whatever the defaults become. */
export function carriedOut(recipe: Recipe, plan: MergePlan): Recipe {
  return {
    ...recipe,
    method: plan.method,
    options: plan.options as Readonly<Record<string, unknown>>,
    target: plan.target,
    weights: plan.inputs.map(({ weight }) => weight),
    scale: plan.scale,
    dtype: plan.dtype.toLowerCase() as DtypeChoice,
    extras: recipe.extras ?? "error",
    allowPartial: recipe.allowPartial ?? false,
    rankLayout: plan.rankLayout,
  };
}

/** Fields that a file has as the recipe has them, in the order that they are written in. */
const FIELDS = [
  "after",
  "scale",
  "dtype",
  "extras",
  "allowPartial",
  "for",
  "rankLayout",
  "include",
  "exclude",
  "moduleWeights",
] as const;

/** Words that need no quotes, and those among them that some YAML reader takes for something else. */
const PLAIN = /^[A-Za-z_][\w./-]*$/;
const SPECIAL = /^(true|false|yes|no|on|off|y|n|null)$/i;

/**
 * A recipe file as YAML, which `parseRecipe` reads back as it is. Written without the package yaml, which would take longer
 * to load than a small merge takes.
 */
export function recipeText({ steps, out, report }: RecipeFile): string {
  const file = {
    ...(steps.length === 1 && steps[0]!.name === null ? mergeData(steps[0]!) : { steps: steps.map(stepData) }),
    ...(out !== null && { out }),
    ...(report !== null && { report }),
  };
  return [...mapLines(file), ""].join("\n");
}

function stepData(step: RecipeStep) {
  return { name: step.name, ...mergeData(step) };
}

function mergeData({ adapters, recipe }: RecipeStep): MergeData {
  const { weights = [], method, options } = recipe;
  return {
    adapters: adapters.map((source, t) => adapterData(source, weights[t] ?? 1)),
    ...(method !== undefined && { method }),
    ...(options !== undefined && Object.keys(options).length > 0 && { options }),
    ...rankData(recipe),
    ...Object.fromEntries(FIELDS.flatMap((field) => (recipe[field] === undefined ? [] : [[field, recipe[field]]]))),
  };
}

function adapterData(source: RecipeSource, weight: number) {
  if ("path" in source && weight === 1) return source.path;
  return weight === 1 ? source : { ...source, weight };
}

function rankData({ target }: Recipe): Pick<MergeData, "rank" | "keep" | "energy"> {
  if (target === undefined) return {};
  if (target.kind === "rank") return { rank: target.rank };
  if (target.kind === "share") return { keep: target.share };
  return target.kind === "full" ? { rank: "full" } : { energy: { rule: target.rule, threshold: target.threshold } };
}

/** A map in block style, its lists of maps too; lists of scalars and everything deeper on one line. */
function mapLines(map: object): string[] {
  return Object.entries(map).flatMap(([key, value]) => {
    if (Array.isArray(value) && value.some((item) => typeof item === "object")) {
      return [`${key}:`, ...value.flatMap(itemLines)];
    }
    if (typeof value !== "object" || Array.isArray(value) || value === null) return [`${key}: ${flow(value)}`];
    return [`${key}:`, ...mapLines(value).map((line) => `  ${line}`)];
  });
}

function itemLines(item: unknown): string[] {
  if (typeof item !== "object" || item === null) return [`  - ${flow(item)}`];
  return mapLines(item).map((line, i) => `  ${i === 0 ? "- " : "  "}${line}`);
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  // JSON's strings are YAML's double-quoted ones, but for control characters that YAML wants escaped.
  if (typeof value !== "string") return JSON.stringify(value);
  if (PLAIN.test(value) && !SPECIAL.test(value)) return value;
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
