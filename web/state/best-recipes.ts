import { MEASURED_METHODS } from "../../src/analysis/measured-methods.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { openAdapters } from "./adapters.ts";
import { wanted, withoutMethod } from "./merge.ts";

/** How many methods "the best" are. */
const BEST = 5;

/** The methods that scored best in what was measured, as recipes with everything else that the form says. */
export function bestRecipes(): Recipe[] {
  const [{ length: count }, rest] = [openAdapters.value, withoutMethod(wanted.value)];
  return Object.entries(MEASURED_METHODS)
    .slice(0, BEST)
    .map(([method, { auto }]) => ({ ...(auto && count > 1 && { scale: "auto" }), ...rest, method }) as Recipe);
}
