import type { Arena } from "../kernels/arena.ts";
import { beginClusters, type ClusterFunctions } from "../kernels/clusters.ts";
import type { GramPoints, Partition } from "./points.ts";

/** What swaps of clusters promise, before moves improve on it. */
export interface SwapTerms {
  /** (k): what the members of each cluster lose in their second-nearest clusters. */
  readonly loss: Float64Array;
  /** (n): what the points nearer to each point than to their own centre gain there. */
  readonly gain: Float64Array;
}

/** Words of a state: three numbers and the addresses of 14 arrays. */
const WORDS = 17;

/** Two states over the same points in one memory. Both end when other points are clustered. */
export function kMeansPair(points: GramPoints, k: number): readonly [KMeans, KMeans] {
  const n = points.count;
  const lengths = [WORDS, k * n, k, k, k, k, 1, k, k, n, n, n, n, n, k, n];
  const { wasm, arena } = beginClusters(n * n, n, ...lengths, ...lengths);
  const placed = { ...points, gram: arena.f64(n * n), weights: arena.f64(n) };
  placed.gram.set(points.gram);
  placed.weights.set(points.weights);
  return [new KMeans(wasm, arena, placed, k), new KMeans(wasm, arena, placed, k)];
}

/**
 * A k-means state over points in Gram space that improves by single-point moves (Hartigan and Wong 1979) and can be copied
 * from another state. Never leaves a cluster empty.
 *
 * Every cluster stores the time of its last change, and every point the time it was last checked. A settled state that
 * changes in few clusters therefore settles again by checking only those.
 */
export class KMeans {
  readonly k: number;
  /** (n): the cluster of each point, and 1 or -1, its sign in the cluster's sum. */
  readonly labels: Uint32Array;
  readonly signs: Float64Array;
  readonly #wasm: ClusterFunctions;
  readonly #state: number;
  /** Per cluster: |weighted sum|^2, total weight, number of points. */
  readonly #square: Float64Array;
  readonly #mass: Float64Array;
  readonly #size: Uint32Array;
  /** All that `copy` copies. */
  readonly #arrays: readonly (Float64Array | Uint32Array)[];
  readonly #distances: Float64Array;
  readonly #terms: SwapTerms;

  /** @param points in the memory of this arena */
  constructor(wasm: ClusterFunctions, arena: Arena, { count: n, gram, weights, line }: GramPoints, k: number) {
    this.k = k;
    this.#wasm = wasm;
    const inner = arena.f64(k * n); // of each cluster's weighted sum with each point
    this.#square = arena.f64(k);
    this.#mass = arena.f64(k);
    const spread = arena.f64(k); // the square by the weight
    this.#size = arena.u32(k);
    const now = arena.u32(1).fill(1);
    const changed = arena.u32(k).fill(0);
    const recent = arena.u32(k); // clusters, the most recently changed first
    for (let c = 0; c < k; c++) recent[c] = c;
    const looked = arena.u32(n).fill(0);
    this.labels = arena.u32(n);
    this.signs = arena.f64(n);
    const members = arena.u32(n); // room
    this.#distances = arena.f64(n);
    this.#terms = { loss: arena.f64(k), gain: arena.f64(n) };
    const { labels, signs } = this;
    this.#arrays = [inner, this.#square, this.#mass, spread, this.#size, now, changed, recent, looked, labels, signs];
    const state = arena.u32(WORDS);
    const arrays = [gram, weights, ...this.#arrays, members];
    state.set([n, k, Number(line), ...arrays.map(({ byteOffset }) => byteOffset)]);
    this.#state = state.byteOffset;
  }

  /** Load a partition into this.k clusters. */
  assign({ labels, signs }: Pick<Partition, "labels" | "signs">): void {
    this.labels.set(labels);
    this.signs.set(signs);
    this.#wasm.assign(this.#state);
  }

  /** Copy another state of the same points and k. */
  copy(other: KMeans): void {
    for (const [at, array] of this.#arrays.entries()) array.set(other.#arrays[at]!);
  }

  /** sum_i w_i |x_i - m_c(i)|^2 without the constant sum_i w_i G_ii: lower is better, never positive. */
  get objective(): number {
    let total = 0;
    for (let c = 0; c < this.k; c++) total -= this.#square[c]! / this.#mass[c]!;
    return total;
  }

  /** Number of points in the cluster of point i. */
  companions(i: number): number {
    return this.#size[this.labels[i]!]!;
  }

  /** Move single points, in order and in rounds, until no move gains. */
  settle(): void {
    this.#wasm.settle(this.#state);
  }

  /** Dissolve cluster `gone` into its members' nearest clusters and restart it at point `seed`, which must not be alone elsewhere. */
  swap(gone: number, seed: number): void {
    this.#wasm.swap(this.#state, gone, seed);
  }

  /** What each half of a swap would change, in views that the next call overwrites. */
  swapTerms(): SwapTerms {
    const { loss, gain } = this.#terms;
    this.#wasm.swapTerms(this.#state, this.#distances.byteOffset, loss.fill(0).byteOffset, gain.byteOffset);
    return this.#terms;
  }
}
