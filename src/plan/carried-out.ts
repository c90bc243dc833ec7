import type { DtypeChoice, LooseRecipe, Recipe } from "../recipe/recipe.ts";
import { withDefaults } from "../recipe/recipe-fields.ts";
import type { MergePlan } from "./merge-plan.ts";

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
