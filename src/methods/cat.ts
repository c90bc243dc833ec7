import { timesUnit } from "../linalg/combination.ts";
import type { Pool } from "../units/pool.ts";
import { defineMethod } from "./define-method.ts";
import type { MergedModule, Method } from "./method.ts";
import { byInput } from "./unit-order.ts";

/**
 * Concatenation: all adapters' units side by side. The delta is exactly the sum of w_t D_t, and the rank is the sum of the
 * ranks. |w| is split evenly over both halves; its sign goes into b. Units stay in the order of the inputs.
 */
export const cat: Method<Record<string, never>> = defineMethod<Record<never, never>>({
  id: "cat",
  title: "Concatenation (exact sum)",
  reference: "PEFT add_weighted_adapter, combination_type cat",
  dependsOn: "delta",
  single: "exact",
  weights: "linear",
  addsDeltas: true,
  merge: async (pool) => weightedUnits(pool, byInput(pool), 1),
});

/**
 * The given units of a pool, each with its weight times `factor` folded in.
 *
 * @param positions units of the pool, in the order of the result
 */
export function weightedUnits(pool: Pool, positions: ArrayLike<number>, factor: number): MergedModule {
  const combinations = Array.from(positions, (i) => timesUnit(i, pool.weights[i]! * factor));
  return { combinations, rows: null };
}
