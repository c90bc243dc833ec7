import { orderlessSum } from "../core/sum.ts";
import type { Method } from "./method.ts";

/**
 * The factor of each input's delta that a merge aims at. Weights of linear methods are such factors; where only their ratios count
 * (relative weights, and methods that divide by their sum), they are divided by their mean, leaving out those that are 0.
 */
export function deltaWeights(
  { weights: kind, needs }: Pick<Method, "weights" | "needs">,
  weights: readonly number[],
): readonly number[] {
  if (weightsAreFactors({ weights: kind, needs })) return weights;
  const acting = weights.filter((weight) => weight !== 0);
  const mean = orderlessSum(acting) / acting.length;
  return mean === 0 ? weights : weights.map((weight) => weight / mean);
}

/** Whether a method multiplies each delta by its weight, so that larger weights give a larger result; else only their ratios count. */
export function weightsAreFactors({ weights, needs }: Pick<Method, "weights" | "needs">): boolean {
  return weights === "linear" && !needs.weightSum;
}
