import type { Combination } from "../linalg/combination.ts";
import type { LiveUnits } from "../units/live-units.ts";
import { unitSums, unitSumsBytes } from "../units/unit-sums.ts";
import { largestRank, type Method, sumOfRanks } from "./method.ts";

/**
 * PEFT's linear combination of factors: A = sum of a_t A_t and B = sum of b_t B_t with a_t = sign(w_t s_t) sqrt|w_t s_t| and
 * b_t = sqrt|w_t s_t|. This is not the sum of the deltas: B A also contains products of one adapter's B with another's A. A dead unit (a or
 * b all zero) takes no part in it, while PEFT lets its other half into those products.
 */
export const linear: Method<Record<string, never>> = {
  id: "linear",
  title: "Linear combination of the factors",
  reference: "PEFT add_weighted_adapter, combination_type linear",
  dependsOn: "factors",
  single: "exact",
  weights: "linear",
  needs: { equalRanks: true },
  parameters: {},
  precise: () => false,
  yields: "combinations",
  cut: "svd",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: largestRank,
  merge: async (pool) => ({ combinations: sumsOfAligned(pool), rows: null }),
  many: {
    scratchBytes: ({ ranks }) => unitSumsBytes(largestRank(ranks), sumOfRanks(ranks)),
    merge: async (pool) => ({ combinations: null, rows: await pool.rowsOfSums(unitSums(sumsOfAligned(pool))) }),
  },
};

/** One combination for each unit index: the sum of the adapters' units there. */
function sumsOfAligned(pool: LiveUnits): Combination[] {
  const byUnit = new Map<number, number[]>();
  for (let i = 0; i < pool.count; i++) {
    const unit = pool.ids[i]![1];
    const members = byUnit.get(unit);
    if (members === undefined) byUnit.set(unit, [i]);
    else members.push(i);
  }
  const units = [...byUnit].sort(([one], [other]) => one - other);
  return units.map(([, members]) => ({
    members,
    // The pool's units have sqrt|s_t| in both halves and the sign of s_t in b; here the sign belongs to a.
    a: members.map((i) => shareOf("a", pool.weights[i]! * Math.sign(pool.scales[i]!))),
    b: members.map((i) => shareOf("b", pool.weights[i]!) * Math.sign(pool.scales[i]!)),
  }));
}

/**
 * One half's share of a factor f of the delta: sqrt|f| for both, with the sign of f on A. With f = w_t s_t these are PEFT's a_t and b_t.
 * If all adapters share one scale s, the pool has s_t = 1 and the output file carries s: A' and B' are then PEFT's divided by
 * sqrt|s| (up to the sign of s), and s B' A' is PEFT's delta.
 */
export function shareOf(half: "a" | "b", factor: number): number {
  const root = Math.sqrt(Math.abs(factor));
  return half === "a" && factor < 0 ? -root : root;
}
