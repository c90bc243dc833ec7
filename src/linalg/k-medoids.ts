import { seededRandom } from "../core/random.ts";

/** Random initialisations in addition to the greedy one, per unit of effort. */
const STARTS = 4;
/** A swap must lower the total by this share of it, or rounding could cause cycles. */
const LEAST_GAIN = 1e-12;

/** A clustering around k of the points (medoids), with its objective: sum_i w_i d(i, medoid of i). */
export interface MedoidPartition {
  /** Cluster of each point. */
  readonly labels: Int32Array;
  /** The medoid of each cluster. */
  readonly medoids: readonly number[];
  readonly objective: number;
}

/**
 * Weighted k-medoids on a distance matrix by FasterPAM's swaps (Schubert and Rousseeuw 2021, "Fast and eager k-medoids
 * clustering"), from a greedy start (BUILD) and some random starts; returns the best result.
 *
 * @param distances (n, n), symmetric, not negative, zero diagonal
 * @param k 1 <= k <= n
 * @returns clusters numbered by their first point; the same seed gives the same partition
 */
export function medoidPartition(
  distances: Float64Array,
  weights: Float64Array,
  k: number,
  effort: number,
  seed: number,
): MedoidPartition {
  const n = weights.length;
  const random = seededRandom(seed);
  let best = settle(distances, weights, build(distances, weights, k));
  if (k < n) {
    for (let start = 0; start < STARTS * effort; start++) {
      const medoids = sample(n, k, random.below);
      const found = settle(distances, weights, medoids);
      if (found.objective < best.objective * (1 - LEAST_GAIN)) best = found;
    }
  }
  const number = new Map<number, number>();
  const labels = best.nearest.map((slot) => {
    if (!number.has(slot)) number.set(slot, number.size);
    return number.get(slot)!;
  });
  const medoids = Array.from(number.keys(), (slot) => best.medoids[slot]!);
  return { labels, medoids, objective: best.objective };
}

/** BUILD of PAM: each next medoid is the one that lowers the total most. */
function build(distances: Float64Array, weights: Float64Array, k: number): number[] {
  const n = weights.length;
  const nearest = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  const medoids: number[] = [];
  while (medoids.length < k) {
    let best = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let c = 0; c < n; c++) {
      if (medoids.includes(c)) continue;
      let total = 0;
      for (let i = 0; i < n; i++) total += weights[i]! * Math.min(nearest[i]!, distances[c * n + i]!);
      if (total < best) {
        best = total;
        at = c;
      }
    }
    medoids.push(at);
    for (let i = 0; i < n; i++) nearest[i] = Math.min(nearest[i]!, distances[at * n + i]!);
  }
  return medoids;
}

function sample(n: number, k: number, below: (limit: number) => number): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  for (let x = 0; x < k; x++) {
    const y = x + below(n - x);
    [all[x], all[y]] = [all[y]!, all[x]!];
  }
  return all.slice(0, k);
}

/** Swap medoids with other points, taking each swap as soon as it gains, until a whole round finds none. */
function settle(distances: Float64Array, weights: Float64Array, medoids: number[]) {
  const n = weights.length;
  const k = medoids.length;
  const nearest = new Int32Array(n); // slot of the nearest medoid
  const first = new Float64Array(n); // distance to it
  const second = new Float64Array(n); // distance to the second nearest
  const removal = new Float64Array(k); // what dropping a medoid costs
  let objective = 0;
  const update = (): void => {
    removal.fill(0);
    objective = 0;
    for (let i = 0; i < n; i++) {
      first[i] = Number.POSITIVE_INFINITY;
      second[i] = Number.POSITIVE_INFINITY;
      for (let m = 0; m < k; m++) {
        // A medoid is its own nearest, also among points at distance 0: no cluster is empty.
        const d = medoids[m] === i ? -1 : distances[medoids[m]! * n + i]!;
        if (d < first[i]!) {
          second[i] = first[i]!;
          first[i] = d;
          nearest[i] = m;
        } else if (d < second[i]!) second[i] = d;
      }
      first[i] = Math.max(0, first[i]!);
      objective += weights[i]! * first[i]!;
      removal[nearest[i]!]! += weights[i]! * (second[i]! - first[i]!);
    }
  };
  update();
  const change = new Float64Array(k);
  for (let c = 0, still = 0; still < n && k < n; c = c + 1 === n ? 0 : c + 1) {
    still++;
    if (medoids.includes(c)) continue;
    change.set(removal);
    let shared = 0;
    for (let i = 0; i < n; i++) {
      const d = distances[c * n + i]!;
      const w = weights[i]!;
      if (d < first[i]!) {
        shared += w * (d - first[i]!);
        change[nearest[i]!]! += w * (first[i]! - second[i]!);
      } else if (d < second[i]!) change[nearest[i]!]! += w * (d - second[i]!);
    }
    let slot = 0;
    for (let m = 1; m < k; m++) if (change[m]! < change[slot]!) slot = m;
    if (!(change[slot]! + shared < -LEAST_GAIN * objective)) continue;
    medoids[slot] = c;
    update();
    still = 0;
  }
  return { nearest, medoids, objective };
}
