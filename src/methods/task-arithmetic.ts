import { weightedUnits } from "./cat.ts";
import { defineMethod } from "./define-method.ts";
import type { Method } from "./method.ts";
import { cutSumOfMany } from "./streamed-sum.ts";
import { canonicalPlaces, inOrder } from "./unit-order.ts";

/**
 * Task arithmetic: lambda (--scale) times the sum of w_t D_t, exact at the sum of the ranks, cut by singular values to smaller ranks.
 * Negative weights subtract a task.
 */
export const taskArithmetic: Method<Record<string, never>> = defineMethod<Record<never, never>>({
  id: "task_arithmetic",
  title: "Task arithmetic",
  reference: "Ilharco et al. 2023, arXiv 2212.04089",
  dependsOn: "delta",
  single: "exact",
  weights: "linear",
  addsDeltas: true,
  merge: async (pool) => weightedUnits(pool, inOrder(canonicalPlaces(pool)), 1),
  many: cutSumOfMany(() => 1),
});
