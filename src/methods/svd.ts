import { weightedUnits } from "./cat.ts";
import { type Method, sumOfRanks } from "./method.ts";
import { cutSumOfMany } from "./streamed-sum.ts";
import { canonicalPlaces, inOrder } from "./unit-order.ts";

/**
 * The sum of w_t D_t cut to rank k by its singular values: the nearest delta of that rank in the Frobenius norm (Eckart and Young
 * 1936). Computed from the two Gram matrices in f64, never from the dense delta.
 */
export const svd: Method<Record<string, never>> = {
  id: "svd",
  title: "Sum of the deltas, cut by singular values",
  reference: "PEFT add_weighted_adapter, combination_type svd",
  dependsOn: "delta",
  single: "exact",
  weights: "linear",
  addsDeltas: true,
  needs: {},
  parameters: {},
  resizes: "keep the leading singular directions",
  precise: () => true,
  yields: "combinations",
  cut: "svd",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: sumOfRanks,
  merge: async (pool) => weightedUnits(pool, inOrder(canonicalPlaces(pool)), 1),
  many: cutSumOfMany(() => 1),
};
