import { MEASURED_METHODS } from "../../src/analysis/measured-methods.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { openAdapters } from "./adapters.ts";
import { wanted, withoutMethod } from "./merge.ts";

/** How many methods "the best" are. */
export const BEST = 5;

/** The methods that were measured, best first, as recipes with everything else that the form says. */
export function bestRecipes(): Recipe[] {
  const [{ length: count }, rest] = [openAdapters.value, withoutMethod(wanted.value)];
  return Object.entries(MEASURED_METHODS).map(
    ([method, { auto }]) => ({ ...(auto && count > 1 && { scale: "auto" }), ...rest, method }) as Recipe,
  );
}
