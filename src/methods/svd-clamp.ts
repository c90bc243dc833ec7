import { combinationProducts, transformCombinations } from "../linalg/combination.ts";
import type { Pool } from "../units/pool.ts";
import type { UnitRows } from "../units/unit-rows.ts";
import { weightedUnits } from "./cat.ts";
import { type Method, sumOfRanks } from "./method.ts";
import { topUnits } from "./top-units.ts";
import { canonicalPlaces, inOrder } from "./unit-order.ts";

/** Options of the clamped cut. */
export interface SvdClampOptions {
  readonly clamp: number;
}

/**
 * The sum of w_t D_t cut to rank k as U S V^T, with the entries of U S and V limited to +-h, where h is a quantile of all of them
 * together, as PEFT's svd_clamp does. Signs are chosen so that the largest entry of each right vector is positive, because the quantile
 * depends on them.
 */
export const svdClamp: Method<SvdClampOptions> = {
  id: "svd_clamp",
  title: "Sum of the deltas, cut by singular values, with clamped vectors",
  reference: "PEFT add_weighted_adapter, combination_type svd with svd_clamp",
  dependsOn: "delta",
  single: "changes",
  weights: "linear",
  needs: {},
  parameters: {
    clamp: {
      type: "number",
      above: 0.5,
      most: 1,
      default: 0.99,
      description: "quantile of the entries of both factors that none may exceed",
    },
  },
  precise: () => true,
  yields: "rows",
  cut: "svd",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: sumOfRanks,
  async merge(pool, { rank, options }) {
    const combinations = weightedUnits(pool, inOrder(canonicalPlaces(pool)), 1).combinations!;
    const { sigma, a, b } = topUnits(combinationProducts(combinations, pool), rank);
    const rows = await pool.combine(transformCombinations(combinations, a, b));
    clampInPlace(rows, sigma, pool, options.clamp);
    return { combinations: null, rows };
  },
};

/** Clamp V (a over sqrt sigma) and U S (b times sqrt sigma) at a quantile of their entries, and split sigma evenly again. */
function clampInPlace({ a, b }: UnitRows, sigma: readonly number[], pool: Pool, share: number): void {
  const units = sigma.map((value, j) => ({
    root: Math.sqrt(value),
    v: a.subarray(j * pool.in, (j + 1) * pool.in),
    us: b.subarray(j * pool.out, (j + 1) * pool.out),
  }));
  for (const { root, v, us } of units) {
    const sign = largestEntry(v) < 0 ? -1 : 1;
    for (let i = 0; i < v.length; i++) v[i]! *= sign / root;
    for (let o = 0; o < us.length; o++) us[o]! *= sign * root;
  }
  const limit = Math.max(0, quantile([a, b], share));
  const limited = (x: number): number => Math.min(limit, Math.max(-limit, x));
  for (const { root, v, us } of units) {
    for (let i = 0; i < v.length; i++) v[i] = limited(v[i]!) * root;
    for (let o = 0; o < us.length; o++) us[o] = limited(us[o]!) / root;
  }
}

/** The entry of largest |value|; among equals the first. */
function largestEntry(values: Float32Array): number {
  return values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
}

/** The quantile of all values, between the two nearest by the distance to each; 0 of none. */
function quantile(parts: readonly Float32Array[], share: number): number {
  const sorted = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    sorted.set(part, at);
    at += part.length;
  }
  sorted.sort();
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0];
  return below + (place - Math.floor(place)) * (above - below);
}
