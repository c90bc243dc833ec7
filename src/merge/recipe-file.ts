import { type DataPath, readYaml } from "../formats/yaml/placed-yaml.ts";
import type { Target } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import type { Recipe } from "./recipe.ts";
import { checkFile, checkOptions } from "./recipe-checks.ts";
import { type AdapterData, type MergeData, recipeSchema } from "./recipe-schema.ts";
import { schemaMistake } from "./schema-mistake.ts";

/** Where a merge takes an adapter from: a path as the file has it, or the result of an earlier step. */
export type RecipeSource = { readonly path: string } | { readonly step: string };

/** One merge of a recipe file; its weights are among the recipe's. */
export interface RecipeStep {
  /** What later steps call it; null for the only merge of a file without steps. */
  readonly name: string | null;
  readonly adapters: readonly RecipeSource[];
  readonly recipe: Recipe;
}

/** What a recipe file says: merges to carry out in their order, the last one into the output. Plain data. */
export interface RecipeFile {
  readonly steps: readonly RecipeStep[];
  /** Paths as the file has them, relative to it; null where it has none. */
  readonly out: string | null;
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
 * @param file what messages call it
 * @throws UsageError at the first mistake, as "file:line:column: sentence with the fix"
 */
export async function parseRecipe(text: string, file: string): Promise<ParsedRecipe> {
  const [yaml, { z }] = await Promise.all([readYaml(text, file), import("zod")]);
  const parsed = recipeSchema(z).safeParse(yaml.data);
  if (!parsed.success) throw schemaMistake(yaml, parsed.error.issues[0]!, "the recipe");
  checkFile(parsed.data, yaml);
  const { steps, out, report, ...single } = parsed.data;
  const merges: readonly NamedMerge[] = steps ?? [single];
  const pathOf = (step: number): DataPath => (steps === undefined ? [] : ["steps", step]);
  for (const [i, { method = "lego", options = {} }] of merges.entries()) {
    checkOptions(z, methodById(method), options, yaml, [...pathOf(i), "options"]);
  }
  return {
    steps: merges.map((merge) => ({
      name: merge.name ?? null,
      adapters: merge.adapters!.map(sourceOf),
      recipe: recipeOf(merge),
    })),
    out: out ?? null,
    report: report ?? null,
    placeOfAdapter: (step, adapter) => yaml.place([...pathOf(step), "adapters", adapter]),
  };
}

type NamedMerge = MergeData & { readonly name?: string };

function sourceOf(adapter: AdapterData): RecipeSource {
  if (typeof adapter === "string") return { path: adapter };
  return "step" in adapter ? { step: adapter.step } : { path: adapter.path };
}

function recipeOf({ name: _, adapters, ...merge }: NamedMerge): Recipe {
  return {
    ...mergeRecipe(merge),
    weights: adapters!.map((adapter) => (typeof adapter === "string" ? 1 : (adapter.weight ?? 1))),
  };
}

/** The recipe that the fields of one merge stand for. */
export function mergeRecipe({ rank, keep, energy, ...fields }: Omit<MergeData, "adapters">): Recipe {
  const target = targetOf({ rank, keep, energy });
  // zod leaves absent keys absent.
  return { ...(fields as Recipe), ...(target !== null && { target }) };
}

/** The rank that a merge asks for, in one of three ways; null for the method's own. */
function targetOf({ rank, keep, energy }: Pick<MergeData, "rank" | "keep" | "energy">): Target | null {
  if (rank !== undefined) return rank === "full" ? { kind: "full" } : { kind: "rank", rank };
  if (keep !== undefined) return { kind: "share", share: keep };
  return energy === undefined ? null : { kind: "energy", ...energy };
}
