import type { LooseRecipe } from "../../recipe/recipe.ts";
import type { LayerGroup } from "./layer-groups.ts";

/** The numbers that are searched around a merge, each as log2 of a factor; all 0 is the merge itself. */
export interface SearchSpace {
  /** One for the whole result, one for each adapter, one for each group of layers. */
  readonly size: number;
  /** The merge at a point. Numbers have three digits, so that a recipe with them is short and gives the same merge. */
  recipeAt(point: ArrayLike<number>): LooseRecipe;
}

/**
 * The merges around one that is given: its factor, the adapters' weights, and their weights in groups of layers.
 *
 * @param scale the factor at 0
 * @param groups none where a larger weight does not give a larger delta
 */
export function searchSpace(
  recipe: LooseRecipe,
  scale: number,
  adapters: number,
  groups: readonly LayerGroup[],
): SearchSpace {
  return {
    size: 1 + adapters + groups.length,
    recipeAt(point) {
      const own = centred(Array.from({ length: adapters }, (_, t) => point[1 + t]!));
      const weights = own.map((log) => rounded(2 ** log));
      const moduleWeights = groups.map(({ match }, g) => ({
        match,
        weights: own.map((log) => rounded(2 ** (log + point[1 + adapters + g]!))),
      }));
      const searched = { ...recipe, scale: rounded(scale * 2 ** point[0]!), weights };
      return groups.length === 0 ? searched : { ...searched, moduleWeights };
    },
  };
}

/** Less their mean: what all weights have in common is the factor. */
function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
