import type { GramPoints, Partition } from "./points.ts";

/** Ward's agglomeration: n - 1 merges, cheapest first; cutting it after n - k merges gives k clusters for every k at once. */
export interface WardTree {
  readonly count: number;
  /** Merge m joins the cluster that holds point `second[m]` into the one that holds `first[m]`. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** 1 or -1: the sign by which the second cluster's members turn (always 1 unless the points are lines). */
  readonly turn: Int8Array;
}

/**
 * Ward's tree on weighted points, in Gram space: a merge of clusters c and d costs
 * W_c W_d / (W_c + W_d) |m_c - m_d|^2 (Ward 1963), and the inner products of cluster sums add up.
 * Ties go to the lower index, so the tree is a function of the points and their order alone.
 * Time O(n^2) as a rule (each cluster remembers its nearest), memory n^2.
 */
export function wardTree({ count: n, gram, weights, line }: GramPoints): WardTree {
  const products = gram.slice(); // (n, n) inner products of the clusters' weighted sums
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) products[i * n + j]! *= weights[i]! * weights[j]!;
  const mass = weights.slice();
  const active = Int32Array.from({ length: n }, (_, i) => i);
  const nearest = new Int32Array(n);
  const cost = new Float64Array(n); // of merging a cluster with its nearest

  const costOf = (c: number, d: number): number => {
    const wc = mass[c]!;
    const wd = mass[d]!;
    const cross = products[c * n + d]!;
    const squared =
      products[c * n + c]! / (wc * wc) +
      products[d * n + d]! / (wd * wd) -
      (2 * (line ? Math.abs(cross) : cross)) / (wc * wd);
    return ((wc * wd) / (wc + wd)) * squared;
  };
  const findNearest = (c: number, live: number): void => {
    let best = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let x = 0; x < live; x++) {
      const d = active[x]!;
      if (d === c) continue;
      const value = costOf(c, d);
      if (value < best) {
        best = value;
        at = d;
      }
    }
    nearest[c] = at;
    cost[c] = best;
  };

  for (let c = 0; c < n; c++) findNearest(c, n);
  const first = new Int32Array(Math.max(0, n - 1));
  const second = new Int32Array(first.length);
  const turn = new Int8Array(first.length);
  let live = n;
  for (let m = 0; m < n - 1; m++) {
    let keep = active[0]!;
    for (let x = 1; x < live; x++) if (cost[active[x]!]! < cost[keep]!) keep = active[x]!;
    let gone = nearest[keep]!;
    if (gone < keep) [keep, gone] = [gone, keep];
    const sign = line && products[keep * n + gone]! < 0 ? -1 : 1;
    first[m] = keep;
    second[m] = gone;
    turn[m] = sign;

    const self = products[keep * n + keep]! + products[gone * n + gone]! + 2 * sign * products[keep * n + gone]!;
    const at = active.subarray(0, live).indexOf(gone);
    active.copyWithin(at, at + 1, live);
    live--;
    for (let x = 0; x < live; x++) {
      const e = active[x]!;
      const sum = products[keep * n + e]! + sign * products[gone * n + e]!;
      products[keep * n + e] = sum;
      products[e * n + keep] = sum;
    }
    products[keep * n + keep] = self;
    mass[keep]! += mass[gone]!;

    findNearest(keep, live);
    for (let x = 0; x < live; x++) {
      const e = active[x]!;
      if (e === keep) continue;
      if (nearest[e] === keep || nearest[e] === gone) {
        findNearest(e, live);
      } else {
        const value = costOf(e, keep);
        if (value < cost[e]!) {
          nearest[e] = keep;
          cost[e] = value;
        }
      }
    }
  }
  return { count: n, first, second, turn };
}

/** The k clusters that are left after the cheapest n - k merges, numbered by their first point. */
export function cutTree({ count: n, first, second, turn }: WardTree, k: number): Partition {
  const home = Int32Array.from({ length: n }, (_, i) => i);
  const signs = new Int8Array(n).fill(1);
  for (let m = 0; m < n - k; m++) {
    for (let i = 0; i < n; i++) {
      if (home[i] !== second[m]) continue;
      home[i] = first[m]!;
      signs[i]! *= turn[m]!;
    }
  }
  const number = new Map<number, number>();
  const labels = home.map((root) => {
    if (!number.has(root)) number.set(root, number.size);
    return number.get(root)!;
  });
  return { k, labels, signs };
}
