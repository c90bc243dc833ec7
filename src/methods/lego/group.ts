import { clusterPoints } from "../../linalg/cluster.ts";
import { medoidPartition } from "../../linalg/k-medoids.ts";
import type { GramPoints } from "../../linalg/points.ts";
import { symmetricEigen } from "../../linalg/symmetric-eigen.ts";
import { transportPartition } from "../../linalg/transport.ts";
import type { Pool } from "../../units/pool.ts";
import type { Frame } from "./frame.ts";
import type { LegoOptions } from "./options.ts";

/** Units that become one unit of the result. */
export interface Group {
  /** Distinct units of the frame (the first of equals), ascending. */
  readonly leaders: readonly number[];
  /** 1 or -1: the sign with which each leader enters the mean. */
  readonly signs: readonly number[];
  /** Summed weight of each leader and the units equal to it. */
  readonly weights: readonly number[];
  /** All units of the frame in the group. */
  readonly members: readonly number[];
}

/** A grouping of all units with its weighted objective. */
export interface Grouping {
  readonly groups: readonly Group[];
  readonly inertia: number;
}

/**
 * Group a frame's units into k groups. If k is at least their number, each is alone. Otherwise the distinct units are
 * clustered, with equal units as one point of summed weight; there are at most as many groups as distinct units, none empty.
 */
export async function groupUnits(pool: Pool, frame: Frame, k: number, options: LegoOptions): Promise<Grouping> {
  const n = frame.units.length;
  if (k >= n) return { groups: Array.from(frame.units.keys(), (i) => alone(frame, i)), inertia: 0 };
  const leaders = Int32Array.from({ length: n }, (_, i) => i).filter((i) => frame.leader[i] === i);
  const summed = new Float64Array(n);
  for (let i = 0; i < n; i++) summed[frame.leader[i]!]! += frame.weights[i]!;
  const weights = Float64Array.from(leaders, (i) => summed[i]!);
  const clusters = Math.min(k, leaders.length);
  const { labels, signs, inertia } =
    options.metric === "manhattan"
      ? await byManhattan(pool, frame, leaders, weights, clusters, options)
      : bySquares(frame, leaders, weights, clusters, options);
  const groups = Array.from({ length: clusters }, emptyGroup);
  const groupOf = new Int32Array(n); // of each leader
  for (let x = 0; x < leaders.length; x++) {
    const group = groups[labels[x]!]!;
    group.leaders.push(leaders[x]!);
    group.signs.push(signs[x]!);
    group.weights.push(weights[x]!);
    groupOf[leaders[x]!] = labels[x]!;
  }
  for (let i = 0; i < n; i++) groups[groupOf[frame.leader[i]!]!]!.members.push(i);
  return { groups, inertia };
}

function emptyGroup(): { [Field in keyof Group]: number[] } {
  return { leaders: [], signs: [], weights: [], members: [] };
}

function alone(frame: Frame, i: number): Group {
  return { leaders: [i], signs: [1], weights: [frame.weights[i]!], members: [i] };
}

/**
 * k-means on squared distances of units, of their directions (cosine) or of their deltas b a^T (delta), or with balanced mass
 * (transport).
 */
function bySquares(frame: Frame, leaders: Int32Array, weights: Float64Array, k: number, options: LegoOptions) {
  const n = frame.units.length;
  const count = leaders.length;
  const ofDeltas = options.metric === "delta";
  const gram = new Float64Array(count * count);
  for (let x = 0; x < count; x++) {
    const row = leaders[x]! * n;
    for (let y = 0; y < count; y++) {
      const a = frame.gramA[row + leaders[y]!]!;
      const b = frame.gramB[row + leaders[y]!]!;
      gram[x * count + y] = ofDeltas ? a * b : a + b;
    }
  }
  if (options.metric === "cosine") normalise(gram, count);
  const points = { count, gram, weights, line: options.sign === "line" && !ofDeltas };
  const search = options.metric === "transport" ? transportPartition : clusterPoints;
  const partition = search(points, k, options.effort, options.seed);
  const inertia = inertiaOf(points, partition.labels, partition.signs, k);
  return { ...partition, inertia, ...(ofDeltas && { signs: sidesOf(frame, leaders, weights, partition.labels) }) };
}

/**
 * A unit and its negative have the same delta; each point is turned to the side of its cluster's main direction, the leading right
 * singular vector of its weighted points.
 */
function sidesOf({ units, gramA, gramB }: Frame, leaders: Int32Array, weights: Float64Array, labels: Int32Array) {
  const signs = new Int8Array(leaders.length).fill(1);
  for (const cluster of new Set(labels)) {
    const own = Array.from(leaders.keys()).filter((x) => labels[x] === cluster);
    const gram = own.flatMap((x) =>
      own.map((y) => {
        const cell = leaders[x]! * units.length + leaders[y]!;
        return Math.sqrt(weights[x]! * weights[y]!) * (gramA[cell]! + gramB[cell]!);
      }),
    );
    const { vectors } = symmetricEigen(Float64Array.from(gram), own.length, 1);
    for (const [at, x] of own.entries()) if (vectors[at]! < 0) signs[x] = -1;
  }
  return signs;
}

/** Turn inner products into cosines, in place. */
function normalise(gram: Float64Array, n: number): void {
  const lengths = Float64Array.from({ length: n }, (_, i) => Math.sqrt(gram[i * n + i]!));
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) gram[i * n + j]! /= lengths[i]! * lengths[j]!;
}

/** sum_i w_i |x_i - m_c(i)|^2, as total squares minus the squares of the clusters' sums divided by their weights. */
function inertiaOf({ count: n, gram, weights }: GramPoints, labels: Int32Array, signs: Int8Array, k: number): number {
  const mass = new Float64Array(k);
  const square = new Float64Array(k);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const c = labels[i]!;
    mass[c]! += weights[i]!;
    total += weights[i]! * gram[i * n + i]!;
    for (let j = 0; j < n; j++) {
      if (labels[j] === c) square[c]! += weights[i]! * weights[j]! * signs[i]! * signs[j]! * gram[i * n + j]!;
    }
  }
  for (let c = 0; c < k; c++) total -= square[c]! / mass[c]!;
  return Math.max(0, total);
}

/** k-medoids on Manhattan distances; for lines, each point gets the sign that is nearer to its medoid. */
async function byManhattan(
  pool: Pool,
  frame: Frame,
  leaders: Int32Array,
  weights: Float64Array,
  k: number,
  options: LegoOptions,
) {
  const count = leaders.length;
  const units = Array.from(leaders, (i) => frame.units[i]!);
  const distances = await pool.manhattan(units, 1);
  const signs = new Int8Array(count).fill(1);
  if (options.sign !== "line") {
    const partition = medoidPartition(distances, weights, k, options.effort, options.seed);
    return { labels: partition.labels, signs, inertia: partition.objective };
  }
  const turned = await pool.manhattan(units, -1);
  const nearer = distances.map((distance, cell) => Math.min(distance, turned[cell]!));
  for (let i = 0; i < count; i++) nearer[i * count + i] = 0;
  const { labels, medoids, objective } = medoidPartition(nearer, weights, k, options.effort, options.seed);
  for (let i = 0; i < count; i++) {
    const medoid = medoids[labels[i]!]!;
    if (i !== medoid && turned[i * count + medoid]! < distances[i * count + medoid]!) signs[i] = -1;
  }
  return { labels, signs, inertia: objective };
}
