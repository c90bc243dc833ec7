import { weightedUnits } from "./cat.ts";
import { defineMethod } from "./define-method.ts";
import type { Method } from "./method.ts";
import { cutSumOfMany } from "./streamed-sum.ts";
import { canonicalPlaces, inOrder } from "./unit-order.ts";

/**
 * The weighted mean of the deltas, sum of w_t D_t / sum of w_t, exact at the sum of the ranks. An adapter without
 * a module has delta zero there and still counts in the divisor.
 */
export const average: Method<Record<string, never>> = defineMethod<Record<never, never>>({
  id: "average",
  title: "Weighted average of the deltas",
  reference: "Model soups (Wortsman et al. 2022, arXiv 2203.05482), on LoRA deltas",
  dependsOn: "delta",
  single: "exact",
  weights: "linear",
  addsDeltas: true,
  needs: { weightSum: true },
  async merge(pool, { totalWeight }) {
    return weightedUnits(pool, inOrder(canonicalPlaces(pool)), 1 / totalWeight);
  },
  many: cutSumOfMany((totalWeight) => totalWeight),
});
