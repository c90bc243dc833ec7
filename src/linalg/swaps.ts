import type { KMeans } from "./k-means.ts";
import type { GramPoints } from "./points.ts";

/** A change too large for single moves: cluster `gone` dissolves and opens anew at point `seed`. */
export interface Swap {
  readonly gone: number;
  readonly seed: number;
}

/**
 * All swaps of a settled state, the most promising first, at most `most`.
 * A swap's estimate is what the members of `gone` lose by joining their second-nearest clusters, less what the points nearer
 * to `seed` than to their own centre gain by joining it; moves after the swap do better than either. Ties keep index order.
 */
export function rankedSwaps(points: GramPoints, state: KMeans, most: number): Swap[] {
  const { count: n, gram, weights, line } = points;
  const k = state.k;
  const own = new Float64Array(n); // squared distance to the own centre
  const loss = new Float64Array(k);
  for (let i = 0; i < n; i++) {
    const home = state.labels[i]!;
    own[i] = state.distance(i, home);
    let second = Number.POSITIVE_INFINITY;
    for (let c = 0; c < k; c++) if (c !== home) second = Math.min(second, state.distance(i, c));
    loss[home]! += weights[i]! * (second - own[i]!);
  }
  const estimates = new Float64Array(n * k).fill(Number.POSITIVE_INFINITY);
  for (let seed = 0; seed < n; seed++) {
    if (state.companions(seed) === 1) continue;
    let gain = 0;
    for (let i = 0; i < n; i++) {
      const product = gram[seed * n + i]!;
      const squared = gram[i * n + i]! + gram[seed * n + seed]! - 2 * (line ? Math.abs(product) : product);
      if (squared < own[i]!) gain += weights[i]! * (own[i]! - squared);
    }
    for (let gone = 0; gone < k; gone++) estimates[seed * k + gone] = loss[gone]! - gain;
  }
  return Array.from(estimates.keys())
    .filter((cell) => estimates[cell] !== Number.POSITIVE_INFINITY)
    .sort((x, y) => estimates[x]! - estimates[y]! || x - y)
    .slice(0, most)
    .map((cell) => ({ gone: cell % k, seed: Math.floor(cell / k) }));
}
