import type { GramPoints, Partition } from "./points.ts";

/** Ward's agglomeration: n - 1 merges, cheapest first. Cutting after n - k merges gives k clusters, for every k. */
export interface WardTree {
  readonly count: number;
  /** Merge m joins the cluster of point `second[m]` into the cluster of `first[m]`. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** 1 or -1: the sign applied to the second cluster's members (always 1 unless the points are lines). */
  readonly turn: Int8Array;
}

/**
 * Ward's tree on weighted points, in Gram space: a merge of clusters c and d costs
 * W_c W_d / (W_c + W_d) |m_c - m_d|^2 (Ward 1963), and inner products of means are means of inner products.
 * Ties go to the lower index, so the tree is a function of the points and their order alone.
 * Each cluster stores its nearest cluster of higher index: usually O(n^2) time, n^2 memory.
 */
export function wardTree({ count: n, gram, weights, line }: GramPoints): WardTree {
  const state: Agglomeration = {
    n,
    line,
    product: gram.slice(),
    square: Float64Array.from({ length: n }, (_, c) => gram[c * n + c]!),
    mass: weights.slice(),
    active: Int32Array.from({ length: n }, (_, i) => i),
    nearest: new Int32Array(n),
    cost: new Float64Array(n),
  };
  for (let x = 0; x < n; x++) findNearest(state, x, n);
  const merges = Math.max(0, n - 1);
  const tree = { count: n, first: new Int32Array(merges), second: new Int32Array(merges), turn: new Int8Array(merges) };
  for (let m = 0; m < merges; m++) {
    const place = cheapest(state, n - m);
    const keep = state.active[place]!;
    const gone = state.nearest[keep]!;
    tree.first[m] = keep;
    tree.second[m] = gone;
    tree.turn[m] = join(state, place, n - m);
  }
  return tree;
}

/** The remaining clusters while the tree grows. */
interface Agglomeration {
  readonly n: number;
  readonly line: boolean;
  /** (n, n) inner products of the clusters' means, their squared norms and weights. */
  readonly product: Float64Array;
  readonly square: Float64Array;
  readonly mass: Float64Array;
  /** The remaining clusters, ascending. */
  readonly active: Int32Array;
  /** Each cluster's nearest cluster of higher index, and the cost of merging the two. */
  readonly nearest: Int32Array;
  readonly cost: Float64Array;
}

/** Scan the active clusters after position x for the one nearest to the cluster at x. */
function findNearest(state: Agglomeration, x: number, live: number): void {
  const { n, line, product, square, mass, active } = state;
  const c = active[x]!;
  const row = c * n;
  const w = mass[c]!;
  const own = square[c]!;
  let best = Number.POSITIVE_INFINITY;
  let at = -1;
  for (let y = x + 1; y < live; y++) {
    const d = active[y]!;
    const inner = product[row + d]!;
    const value = ((w * mass[d]!) / (w + mass[d]!)) * (own + square[d]! - 2 * (line ? Math.abs(inner) : inner));
    if (value < best) {
      best = value;
      at = d;
    }
  }
  state.nearest[c] = at;
  state.cost[c] = best;
}

/** Position of the cluster whose merge with its nearest costs least. */
function cheapest({ active, cost }: Agglomeration, live: number): number {
  let place = 0;
  for (let x = 1; x < live; x++) if (cost[active[x]!]! < cost[active[place]!]!) place = x;
  return place;
}

/** Merge the cluster at `place` with its nearest; returns the sign applied to the nearest one's members. */
function join(state: Agglomeration, place: number, live: number): number {
  const { n, line, product, square, mass, active, nearest, cost } = state;
  const keep = active[place]!;
  const gone = nearest[keep]!;
  const sign = line && product[keep * n + gone]! < 0 ? -1 : 1;
  const total = mass[keep]! + mass[gone]!;
  const p = mass[keep]! / total;
  const q = (sign * mass[gone]!) / total;
  square[keep] = p * p * square[keep]! + q * q * square[gone]! + 2 * p * q * product[keep * n + gone]!;
  mass[keep] = total;
  const gonePlace = active.subarray(0, live).indexOf(gone);
  active.copyWithin(gonePlace, gonePlace + 1, live);
  const left = live - 1;
  for (let x = 0; x < left; x++) {
    const e = active[x]!;
    const mean = p * product[keep * n + e]! + q * product[gone * n + e]!;
    product[keep * n + e] = mean;
    product[e * n + keep] = mean;
  }
  findNearest(state, place, left);
  for (let x = 0; x < gonePlace; x++) {
    const e = active[x]!;
    if (e === keep) continue;
    if (nearest[e] === keep || nearest[e] === gone) findNearest(state, x, left);
    else if (x < place) {
      const inner = product[e * n + keep]!;
      const value =
        ((mass[e]! * total) / (mass[e]! + total)) * (square[e]! + square[keep]! - 2 * (line ? Math.abs(inner) : inner));
      if (value < cost[e]! || (value === cost[e] && keep < nearest[e]!)) {
        nearest[e] = keep;
        cost[e] = value;
      }
    }
  }
  return sign;
}

/** The k clusters after the cheapest n - k merges, numbered by their first point. */
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
