import type { Adapter } from "../adapter/adapter.ts";
import { UsageError } from "../core/errors.ts";
import { maximum } from "../core/maximum.ts";
import { plural } from "../core/plural.ts";
import { orderlessSum } from "../core/sum.ts";
import type { Method } from "../methods/method.ts";
import type { Recipe } from "./recipe.ts";
import type { Selection } from "./selection.ts";

/**
 * The adapters' weights, after a look at those of single modules too.
 *
 * @throws UsageError for weights that are too many, too few, not finite, or that the method does not take
 */
export function checkWeights(adapters: readonly Adapter[], recipe: Recipe, method: Method): readonly number[] {
  if (adapters.length === 0) throw new UsageError("There is nothing to merge; pass at least one adapter.");
  const weights = recipe.weights ?? adapters.map(() => 1);
  checkWeightList(adapters, weights, method, "");
  for (const { match, weights: own } of recipe.moduleWeights ?? []) {
    checkWeightList(adapters, own, method, ` for ${match}`);
  }
  if (!Number.isFinite(recipe.scale ?? 1)) throw new UsageError("Weights and scale must be finite numbers.");
  if (recipe.scale === 0) {
    throw new UsageError("The scale is 0, so the result would change nothing; pass another --scale, or none for 1.");
  }
  return weights;
}

/** Sums of weights this far apart lose the smaller ones to rounding. */
const MOST_WEIGHT_RATIO = 1e12;

function refuseExtremeWeights(weights: readonly number[], method: string): void {
  const sizes = weights.map(Math.abs).filter((weight) => weight > 0);
  const ratio = maximum(sizes) / -maximum(sizes.map((size) => -size));
  if (sizes.length === 0 || (ratio <= MOST_WEIGHT_RATIO && Number.isFinite(orderlessSum(sizes)))) return;
  throw new UsageError(
    `The weights of ${method} range over a factor of ${ratio.toExponential(0)} (their sum is ${orderlessSum(sizes)}), beyond ${MOST_WEIGHT_RATIO.toExponential(0)}, so the smaller ones would be lost; pass weights of more alike size, or 0 to leave an adapter out.`,
  );
}

function checkWeightList(
  adapters: readonly Adapter[],
  weights: readonly number[],
  method: Method,
  where: string,
): void {
  if (weights.length !== adapters.length) {
    throw new UsageError(
      `There ${adapters.length === 1 ? "is" : "are"} ${plural(adapters.length, "adapter")} but ${plural(weights.length, "weight")}${where}; pass one weight for each adapter, in their order.`,
    );
  }
  if (weights.some((weight) => !Number.isFinite(weight))) {
    throw new UsageError("Weights and scale must be finite numbers.");
  }
  const negative = weights.findIndex((weight) => weight < 0);
  if (method.weights === "relative" && negative >= 0) {
    throw new UsageError(
      `Weights of ${method.id} are relative and cannot be negative, but ${adapters[negative]!.name} has ${weights[negative]}${where}; to subtract an adapter use --method cat.`,
    );
  }
  refuseExtremeWeights(weights, method.id);
}

/** @throws UsageError for an average whose weights cancel */
export function refuseNoAverage(method: Method, { modules }: Selection): void {
  const zero = method.id === "average" ? modules.find(({ weights }) => orderlessSum(weights) === 0) : undefined;
  if (zero === undefined) return;
  throw new UsageError(
    `The weights sum to 0 for ${zero.name}, so they have no average; use --method cat for their sum.`,
  );
}
