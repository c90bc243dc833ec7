import type { Adapter } from "../adapter/adapter.ts";
import { spellings } from "../adapter/names/renamed.ts";
import { inFamily } from "../adapter/weights/in-family.ts";
import { UsageError } from "../core/errors.ts";
import { compareNaturally } from "../core/natural-order.ts";
import { orderlessSum } from "../core/sum.ts";
import type { Method } from "../methods/method.ts";
import type { LooseRecipe } from "../recipe/recipe.ts";
import { blockWeights } from "./block-weights.ts";
import { compilePatterns, knownFamilies } from "./compile-patterns.ts";

/** Which modules go into the result, with which weights. */
export interface Selection {
  /** In natural order of names; `weights` has one for each adapter, whether it has the module or not. */
  readonly modules: readonly { readonly name: string; readonly weights: readonly number[] }[];
  /** Modules that are left out, with the reason as text. */
  readonly left: readonly { readonly name: string; readonly why: string }[];
  /** Whether each adapter has a module with a weight that is not 0, chosen or not. */
  readonly used: readonly boolean[];
}

/**
 * Apply a recipe's include, exclude, moduleWeights and blockWeights.
 *
 * @param weights of the adapters, for modules that moduleWeights do not match
 * @throws UsageError for patterns and block weights that do not fit the modules, and when no module is left
 */
export function selectModules(
  adapters: readonly Adapter[],
  recipe: LooseRecipe,
  weights: readonly number[],
): Selection {
  const names = new Set(adapters.flatMap(({ modules }) => [...modules.keys()]));
  const sorted = [...names].sort(compareNaturally);
  const compiled = compilePatterns(knownFamilies(adapters), sorted);
  const compile = (field: string, pattern: string) => ({ pattern, matches: matcher(field, pattern, sorted, compiled) });
  const include = recipe.include?.map((pattern) => compile("include", pattern));
  const exclude = (recipe.exclude ?? []).map((pattern) => compile("exclude", pattern));
  const ofModules = ownWeights(recipe, (pattern) => compile("module weights", pattern).matches);
  const ofBlocks = blockWeights(adapters, recipe);
  const all = sorted.map((name) => {
    return [name, (ofModules(name) ?? weights).map((weight, t) => weight * ofBlocks(t, name))] as const;
  });
  const weightsOf = new Map(all);
  const alive = (t: number, name: string): boolean => adapters[t]!.modules.has(name) && weightsOf.get(name)![t] !== 0;
  const used = adapters.map(({ modules }, t) => [...modules.keys()].some((name) => alive(t, name)));
  if (!used.includes(true)) throw new UsageError("All weights are 0, so nothing is left to merge.");

  const modules: { name: string; weights: readonly number[] }[] = [];
  const left: { name: string; why: string }[] = [];
  for (const name of sorted) {
    const excluding = exclude.find(({ matches }) => matches(name));
    if (!adapters.some((_, t) => alive(t, name))) {
      // Adapters that are left out as a whole get a warning of their own.
      if (ofModules(name) !== undefined || adapters.some((_, t) => ofBlocks(t, name) !== 1)) {
        left.push({ name, why: "weight 0 for every adapter that has it" });
      }
    } else if (include !== undefined && !include.some(({ matches }) => matches(name))) {
      left.push({ name, why: "not chosen by include" });
    } else if (excluding !== undefined) {
      left.push({ name, why: `left out by exclude ${excluding.pattern}` });
    } else {
      modules.push({ name, weights: weightsOf.get(name)!.map((weight, t) => (used[t] ? weight : 0)) });
    }
  }
  if (modules.length === 0) {
    throw new UsageError(
      "include, exclude and the weights leave no module to merge; choose wider or fewer patterns, or other weights.",
    );
  }
  return { modules, left, used };
}

/**
 * Whether each adapter has a module with a weight that is not 0, for module names of any transformers release and spelling. The other
 * adapters are left out and decide nothing.
 */
export function weighted(adapters: readonly Adapter[], recipe: LooseRecipe, weights: readonly number[]): boolean[] {
  const families = knownFamilies(adapters);
  const named = families.length === 0 ? adapters : adapters.map((adapter) => inFamily(adapter, families));
  const names = named.map(({ modules }) => [...modules.keys()].flatMap((name) => spellings(name) ?? [name]));
  const ofBlocks = blockWeights(named, recipe);
  const compiled = compilePatterns(families, names.flat());
  const weightsOf = ownWeights(recipe, (pattern) => {
    const fitOf = compiled(pattern);
    return (name) => fitOf !== null && fitOf(name) !== "none";
  });
  // Adapters read without modules still have their weight.
  return names.map((own, t) =>
    own.length === 0
      ? weights[t] !== 0
      : own.some((name) => (weightsOf(name) ?? weights)[t]! * ofBlocks(t, name) !== 0),
  );
}

/** The weights that moduleWeights give a module, or undefined. */
function ownWeights({ moduleWeights = [] }: LooseRecipe, compile: (pattern: string) => (name: string) => boolean) {
  const entries = moduleWeights.map(({ match, weights }) => ({ matches: compile(match), weights }));
  return (name: string) => entries.findLast(({ matches }) => matches(name))?.weights;
}

/** Whether a pattern of the recipe matches a module. @throws UsageError for one that matches none, or only a part of one */
function matcher(
  field: string,
  pattern: string,
  names: readonly string[],
  compiled: ReturnType<typeof compilePatterns>,
): (name: string) => boolean {
  const fitOf = compiled(pattern);
  const which = `The ${field} pattern ${JSON.stringify(pattern)}`;
  if (fitOf === null) {
    throw new UsageError(
      `${which} matches no module; modules have names such as ${names[0]}, and a pattern matches the end of a name.`,
    );
  }
  const part = names.find((name) => fitOf(name) === "part");
  if (part !== undefined) {
    throw new UsageError(
      `${which} matches only a part of ${part}, which stays whole in this merge because an adapter has it whole, or in parts that share one A; match the whole weight, as in ${part.split(".").slice(-2).join(".")}.`,
    );
  }
  return (name) => fitOf(name) === "whole";
}

/** @throws UsageError for weights that cancel if the method divides by their sum */
export function refuseCancelled(method: Method, { modules }: Selection): void {
  const zero = method.needs.weightSum ? modules.find(({ weights }) => orderlessSum(weights) === 0) : undefined;
  if (zero === undefined) return;
  throw new UsageError(
    `The weights sum to 0 for ${zero.name}, so ${method.id} cannot divide by it; use --method cat to add the deltas without dividing.`,
  );
}
