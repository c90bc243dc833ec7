import type { Adapter } from "../adapter/adapter.ts";
import { AUTO } from "../methods/auto.ts";
import { defaultsOf, type Target } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import type { DtypeChoice, LooseRecipe, Recipe } from "../recipe/recipe.ts";
import { given, withDefaults } from "../recipe/recipe-fields.ts";
import type { MergePlan } from "./merge-plan.ts";
import { makePlan } from "./plan.ts";

/** A recipe with every default and every choice of the plan filled in, so that it keeps its meaning if defaults change. */
export function carriedOut(recipe: Recipe, plan: MergePlan): Recipe {
  const filled: LooseRecipe = {
    ...withDefaults(recipe),
    method: plan.method,
    scale: plan.scale,
    options: plan.options as Readonly<Record<string, unknown>>,
    target: plan.target,
    rankLayout: plan.rankLayout,
    weights: plan.inputs.map(({ weight }) => weight),
    dtype: plan.dtype.toLowerCase() as DtypeChoice,
  };
  return filled as Recipe;
}

/** A recipe that was carried out, without what would be filled in again: all that has to be said to merge these adapters so. */
export function asSaid(filled: Recipe, inputs: readonly Adapter[]): LooseRecipe {
  const { method, target, dtype, rankLayout, weights = [], options = {}, ...fields }: LooseRecipe = filled;
  const weighted = weights.some((weight) => weight !== 1) && { weights };
  const own = makePlan(inputs, { ...fields, method, options, ...weighted } as Recipe);
  const ranked = JSON.stringify(target) !== JSON.stringify(own.target) && { target };
  const plan = makePlan(inputs, { ...fields, method, options, ...weighted, ...ranked } as Recipe);
  return given({
    method,
    ...others(fields, withDefaults({})),
    ...weighted,
    ...ranked,
    options: others(options, defaultsOf(methodById(plan.method)) as object),
    dtype: dtype?.toUpperCase() === plan.dtype ? undefined : dtype,
    rankLayout: rankLayout === plan.rankLayout ? undefined : rankLayout,
  }) as LooseRecipe;
}

/** The target that `--method auto` takes by itself where a recipe names a method and a target. */
export function autoTarget(filled: Recipe, inputs: readonly Adapter[]): Target {
  const { method: _, target: __, options: ___, ...fields }: LooseRecipe = filled;
  return makePlan(inputs, { ...fields, method: AUTO } as Recipe).target;
}

/** The fields whose values are not the default. */
function others(fields: object, defaults: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => value !== (defaults as Record<string, unknown>)[name]),
  );
}
