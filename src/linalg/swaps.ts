import type { KMeans } from "./k-means.ts";

/** A change too large for single moves: cluster `gone` dissolves and restarts at point `seed`. */
export interface Swap {
  readonly gone: number;
  readonly seed: number;
}

/**
 * All swaps of a settled state, the most promising first, at most `most`.
 * A swap's estimate is the loss of the members of `gone` when they join their second-nearest clusters, minus the gain of the
 * points nearer to `seed` than to their own centre when they join it. Moves after the swap improve on both. Ties keep index order.
 */
export function rankedSwaps(state: KMeans, most: number): Swap[] {
  const k = state.k;
  const { loss, gain } = state.swapTerms();
  const clusters = Array.from(loss.keys()).sort((c, d) => loss[c]! - loss[d]! || c - d);
  const seeds = Array.from(gain.keys())
    .filter((i) => state.companions(i) > 1)
    .sort((i, j) => gain[j]! - gain[i]! || i - j);
  // The pair of the x-th cluster and the y-th seed has (x + 1) (y + 1) - 1 pairs before it.
  const pairs: Swap[] = [];
  for (let x = 0; x < k && x < most; x++) {
    for (let y = 0; y < seeds.length && (x + 1) * (y + 1) <= most; y++) {
      pairs.push({ gone: clusters[x]!, seed: seeds[y]! });
    }
  }
  const estimate = ({ gone, seed }: Swap): number => loss[gone]! - gain[seed]!;
  return pairs
    .sort((one, other) => estimate(one) - estimate(other) || one.seed - other.seed || one.gone - other.gone)
    .slice(0, most);
}
