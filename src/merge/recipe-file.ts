import { UsageError } from "../core/errors.ts";
import type { Target } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import { type DataPath, type PlacedYaml, readYaml } from "./placed-yaml.ts";
import type { Recipe } from "./recipe.ts";
import { checkFile, checkOptions } from "./recipe-checks.ts";
import { type AdapterData, type MergeData, recipeSchema } from "./recipe-schema.ts";

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
  if (!parsed.success) throw mistake(yaml, deepest(parsed.error.issues[0]!, []));
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

/** The recipe of one merge: fields that the file has, and a weight for each adapter. */
function recipeOf({ name: _, adapters, rank, keep, energy, ...fields }: NamedMerge): Recipe {
  const target = targetOf({ rank, keep, energy });
  return {
    // zod leaves absent keys absent.
    ...(fields as Recipe),
    ...(target !== null && { target }),
    weights: adapters!.map((adapter) => (typeof adapter === "string" ? 1 : (adapter.weight ?? 1))),
  };
}

/** The rank that a merge asks for, in one of three ways; null for the method's own. */
function targetOf({ rank, keep, energy }: Pick<MergeData, "rank" | "keep" | "energy">): Target | null {
  if (rank !== undefined) return rank === "full" ? { kind: "full" } : { kind: "rank", rank };
  if (keep !== undefined) return { kind: "share", share: keep };
  return energy === undefined ? null : { kind: "energy", ...energy };
}

/** What of zod's issues is looked at. */
interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly Issue[])[];
}

/** The issue that a union's own issue comes from: that of the only alternative of the right kind, if there is one. */
function deepest(issue: Issue, above: DataPath): Issue {
  const path = [...above, ...(issue.path as DataPath)];
  const meant = (issue.errors ?? [])
    .filter((issues) => issues.every(({ code, path: own }) => code === "unrecognized_keys" || own.length > 0))
    .sort((one, other) => one.length - other.length)[0];
  return meant === undefined ? { ...issue, path } : deepest(meant[0]!, path);
}

function mistake(yaml: PlacedYaml, { code, path: properties, message, keys = [] }: Issue): UsageError {
  const path = properties as DataPath;
  if (code === "unrecognized_keys") {
    const key = keys[0]!;
    return new UsageError(`${yaml.placeOfKey([...path, key])}: ${JSON.stringify(key)} ${message}${end(message)}`);
  }
  const value = valueAt(yaml.data, path);
  const name = path.length === 0 ? "the recipe" : nameOf(path);
  const lacking = value === undefined ? "missing" : "empty";
  const found = value === undefined || value === null ? `is ${lacking}; it` : `is ${shown(value)}, but`;
  return new UsageError(`${yaml.place(path)}: ${name} ${found} ${message}${end(message)}`);
}

const end = (sentence: string): string => (/[.?]$/.test(sentence) ? "" : ".");

function valueAt(data: unknown, path: DataPath): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<string | number, unknown> | undefined)?.[part], data);
}

/** adapters[1].weight, without the step that it is in: the place says that. */
function nameOf(path: DataPath): string {
  const own = path[0] === "steps" && path.length > 2 ? path.slice(2) : path;
  return own.map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");
}

function shown(value: unknown): string {
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
