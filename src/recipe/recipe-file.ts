import type { FormatId } from "../convert/formats.ts";
import { contradicted } from "../convert/forms.ts";
import { type DataPath, type PlacedYaml, readYaml } from "../formats/yaml/placed-yaml.ts";
import { checkRecipe } from "./check-recipe.ts";
import { mergesOf } from "./check-steps.ts";
import type { LooseRecipe, Recipe } from "./recipe.ts";
import { fieldsAmong, RANK_FIELDS, recipeOf } from "./recipe-fields.ts";
import { type AdapterData, fileSchema, type MergeFields } from "./recipe-schema.ts";
import { schemaMistake } from "./schema-mistake.ts";

/** Where a merge takes an adapter from: a path as written in the file, or the result of an earlier step. */
export type RecipeSource = { readonly path: string } | { readonly step: string };

/** One merge of a recipe file; its weights are among the recipe's. */
export interface RecipeStep {
  /** Its name for later steps; null for the only merge of a file without steps. */
  readonly name: string | null;
  readonly adapters: readonly RecipeSource[];
  readonly recipe: Recipe;
}

/** The contents of a recipe file: merges to run in order; the last one writes the output. Plain data. */
export interface RecipeFile {
  readonly steps: readonly RecipeStep[];
  /** Path as written in the file, relative to it; null if absent. */
  readonly out: string | null;
  /** The format of the output; null if its name and the last merge's `for` decide. */
  readonly to: FormatId | null;
  readonly report: string | null;
}

/** A recipe file that knows where its adapters were named. */
export interface ParsedRecipe extends RecipeFile {
  /** "file:line:column" of an adapter of a step. */
  placeOfAdapter(step: number, adapter: number): string;
}

/**
 * Parse a recipe file (YAML; docs/recipe.md describes it). Loads yaml and zod.
 *
 * @param file its name in messages
 * @throws UsageError at the first mistake, as "file:line:column: sentence with the fix"
 * @example
 * ```ts
 * import { parseRecipe } from "lora-lego";
 *
 * const { steps, out } = await parseRecipe("adapters: [math, { path: med, weight: 0.5 }]\nrank: 16\nout: merged\n", "recipe.yaml");
 * console.log(steps[0]?.recipe.weights, out); // [ 1, 0.5 ] merged
 * ```
 */
export async function parseRecipe(text: string, file: string): Promise<ParsedRecipe> {
  const [yaml, { z }] = await Promise.all([readYaml(text, file), import("zod")]);
  const parsed = fileSchema(z).safeParse(yaml.data);
  if (!parsed.success) throw schemaMistake(yaml, parsed.error.issues[0]!, "the recipe");
  const merges = mergesOf(parsed.data, yaml);
  const steps = merges.map(({ merge, path }) => ({
    name: merge.name ?? null,
    adapters: merge.adapters.map(sourceOf),
    recipe: checkedRecipe(merge, merge.adapters.map(nameOf), merge.adapters.map(weightOf), yaml, path),
  }));
  for (const [i, step] of steps.entries()) {
    if (i === steps.length - 1) refuseContradiction(parsed.data.to, step, yaml);
    else refuseNoPeft(step, merges[i]!.path, yaml);
  }
  return {
    steps,
    out: parsed.data.out ?? null,
    to: parsed.data.to ?? null,
    report: parsed.data.report ?? null,
    placeOfAdapter: (step, adapter) => yaml.place([...merges[step]!.path, "adapters", adapter]),
  };
}

/** Refuse a format of the output that the program of the last merge does not load. */
function refuseContradiction(to: FormatId | undefined, { name, recipe }: RecipeStep, yaml: PlacedYaml): void {
  const consumer = contradicted({ ...(to && { to }), ...(recipe.for && { for: recipe.for }) });
  if (consumer === null) return;
  const of = name === null ? "" : ` of the step ${name}`;
  throw yaml.mistakeOfKey(
    ["to"],
    `to is ${to}, but the program${of} is ${recipe.for} (for), which loads ${consumer.formats.join(" and ")} files; keep to or for, not both.`,
  );
}

/** The results of all steps but the last are PEFT adapters. */
function refuseNoPeft({ name, recipe }: RecipeStep, path: DataPath, yaml: PlacedYaml): void {
  const consumer = contradicted({ to: "peft", ...(recipe.for && { for: recipe.for }) });
  if (consumer === null) return;
  throw yaml.mistakeOfKey(
    [...path, "for"],
    `${consumer.title} loads ${consumer.formats.join(" and ")} files, but the step ${name} makes a PEFT adapter for later steps; leave for out here.`,
  );
}

function sourceOf(adapter: AdapterData): RecipeSource {
  if (typeof adapter === "string") return { path: adapter };
  return "step" in adapter ? { step: adapter.step } : { path: adapter.path };
}

function nameOf(adapter: AdapterData): string {
  const source = sourceOf(adapter);
  return "path" in source ? source.path : source.step;
}

function weightOf(adapter: AdapterData): number {
  return typeof adapter === "string" ? 1 : (adapter.weight ?? 1);
}

/**
 * The recipe of one merge of a file.
 *
 * @param inputs names of its adapters in messages
 * @param weights of the adapters, or null if the file has none
 * @param path of the merge
 * @throws UsageError with the place
 */
export function checkedRecipe(
  { options, ...merge }: MergeFields,
  inputs: readonly string[],
  weights: readonly number[] | null,
  yaml: PlacedYaml,
  path: DataPath,
): Recipe {
  const fields = fieldsAmong(merge);
  const [way, second] = RANK_FIELDS.filter((field) => fields[field] !== undefined);
  if (second !== undefined) {
    throw yaml.mistakeOfKey([...path, second], `${second} and ${way} exclude each other; keep one of them.`);
  }
  const recipe: LooseRecipe = {
    ...recipeOf(fields),
    ...(options !== undefined && { options }),
    ...(weights !== null && { weights }),
  };
  checkRecipe(recipe, inputs, ([field, ...rest], why) => {
    throw yaml.mistakeOfKey([...path, ...keysOf(field, rest, way)], why);
  });
  // Checked: the method is one of ours, and so are its options.
  return recipe as Recipe;
}

/** Where a file writes a field of a recipe: weights with the adapters, the target under one of its keys. */
function keysOf(field: string | number | undefined, rest: DataPath, way: string | undefined): DataPath {
  if (field === "weights") return rest.length === 0 ? ["adapters"] : ["adapters", ...rest, "weight"];
  if (field === "target") return way === undefined ? [] : [way];
  return field === undefined ? [] : [field, ...rest];
}
