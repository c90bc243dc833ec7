import { beginClusters } from "../kernels/clusters.ts";
import type { GramPoints, Partition } from "./points.ts";

/** Ward's agglomeration: n - 1 merges, cheapest first. Cutting after n - k merges gives k clusters, for every k. */
export interface WardTree {
  readonly count: number;
  /** Merge m joins the cluster of point `second[m]` into the cluster of `first[m]`. */
  readonly first: Uint32Array;
  readonly second: Uint32Array;
  /** 1 or -1: the sign applied to the second cluster's members (always 1 unless the points are lines). */
  readonly turn: Int32Array;
}

/**
 * Ward's tree on weighted points, in Gram space: a merge of clusters c and d costs
 * W_c W_d / (W_c + W_d) |m_c - m_d|^2 (Ward 1963), and inner products of means are means of inner products.
 * Ties go to the lower index, so the tree is a function of the points and their order alone.
 * Each cluster stores its nearest cluster of higher index: usually O(n^2) time, n^2 memory.
 */
export function wardTree({ count: n, gram, weights, line }: GramPoints): WardTree {
  const { wasm, arena } = beginClusters(n * n, n, n, n, n, n, n, n, n, 8);
  const [product, square, mass, cost] = [arena.f64(n * n), arena.f64(n), arena.f64(n), arena.f64(n)];
  const [active, nearest, state] = [arena.u32(n), arena.u32(n), arena.u32(8)];
  const [first, second, turn] = [arena.u32(n), arena.u32(n), arena.u32(n)];
  product.set(gram);
  mass.set(weights);
  for (let c = 0; c < n; c++) {
    square[c] = gram[c * n + c]!;
    active[c] = c;
  }
  const arrays = [product, square, mass, active, nearest, cost];
  state.set([n, Number(line), ...arrays.map(({ byteOffset }) => byteOffset)]);
  wasm.agglomerate(state.byteOffset, first.byteOffset, second.byteOffset, turn.byteOffset);
  const merges = Math.max(0, n - 1);
  return {
    count: n,
    first: first.slice(0, merges),
    second: second.slice(0, merges),
    turn: Int32Array.from(turn.subarray(0, merges)),
  };
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
