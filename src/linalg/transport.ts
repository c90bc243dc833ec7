import { clusterPoints, renumber } from "./cluster.ts";
import type { GramPoints, Partition } from "./points.ts";

/** Entropy of a plan as a share of the mean cost. */
const EPSILON = 0.05;
const ROUNDS = 50;
const SCALINGS = 500;
/** A plan's columns may miss their mass by this share. */
const TOLERANCE = 1e-9;
/** Keeps divisions finite for centres that no point reaches. */
const LEAST = 1e-300;

/** How points distribute their weight over centres. */
interface Plan {
  /** (n, k): the part of each point's weight that goes to each centre. */
  readonly shares: Float64Array;
  /** (n, k): 1 or -1, the sign with which each point enters each mean. */
  readonly signs: Int8Array;
}

/**
 * k-means with balanced mass. Points distribute their weight over centres by entropic optimal transport: Sinkhorn's scaling, squared
 * distances, 1 / k of the weight for every centre, epsilon 0.05 of the mean cost. Centres move to the means of their weight. At the end
 * each point belongs to the centre with its largest share. Starts from `clusterPoints`. A centre that would stay empty takes the
 * point with the largest share in it, from a cluster of several.
 *
 * @param k 1 <= k <= n
 * @returns clusters numbered by their first point
 */
export function transportPartition(points: GramPoints, k: number, effort: number, seed: number): Partition {
  const start = clusterPoints(points, k, effort, seed);
  const n = points.count;
  if (k === 1 || k === n) return start;
  let plan = wholePlan(points, start);
  let labels = start.labels;
  for (let round = 0; round < ROUNDS; round++) {
    plan = transported(points, k, plan);
    const next = rounded(plan, n, k);
    const settled = next.every((c, i) => c === labels[i]);
    labels = next;
    if (settled) break;
  }
  const { signs } = plan;
  return renumber({ k, labels, signs: Int8Array.from(labels, (c, i) => signs[i * k + c]!) });
}

function wholePlan({ count: n, weights }: GramPoints, { k, labels, signs }: Partition): Plan {
  const plan = { shares: new Float64Array(n * k), signs: new Int8Array(n * k).fill(1) };
  for (let i = 0; i < n; i++) {
    plan.shares[i * k + labels[i]!] = weights[i]!;
    plan.signs[i * k + labels[i]!] = signs[i]!;
  }
  return plan;
}

/** The plan of least cost, to the centres of another plan. */
function transported({ count: n, gram, weights, line }: GramPoints, k: number, { shares, signs }: Plan): Plan {
  const costs = new Float64Array(n * k);
  const turned = new Int8Array(n * k).fill(1);
  for (let c = 0; c < k; c++) {
    let mass = LEAST;
    for (let i = 0; i < n; i++) mass += shares[i * k + c]!;
    const inner = new Float64Array(n);
    let square = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) inner[i]! += shares[j * k + c]! * signs[j * k + c]! * gram[i * n + j]!;
      square += shares[i * k + c]! * signs[i * k + c]! * inner[i]!;
    }
    for (let i = 0; i < n; i++) {
      if (line && inner[i]! < 0) turned[i * k + c] = -1;
      const product = line ? Math.abs(inner[i]!) : inner[i]!;
      costs[i * k + c] = Math.max(0, gram[i * n + i]! + (square / mass - 2 * product) / mass);
    }
  }
  return { shares: sinkhorn(costs, weights, k), signs: turned };
}

/** The plan between points of these weights and k equal centres that minimises cost minus entropy. */
function sinkhorn(costs: Float64Array, weights: Float64Array, k: number): Float64Array {
  const n = weights.length;
  const epsilon = EPSILON * (costs.reduce((sum, cost) => sum + cost, 0) / costs.length);
  const target = weights.reduce((sum, weight) => sum + weight, 0) / k;
  const kernel = new Float64Array(n * k);
  for (let i = 0; i < n; i++) {
    const row = costs.subarray(i * k, (i + 1) * k);
    const least = row.reduce((one, other) => Math.min(one, other));
    for (let c = 0; c < k; c++) kernel[i * k + c] = Math.exp(-(row[c]! - least) / epsilon);
  }
  const columns = new Float64Array(k).fill(1);
  const plan = new Float64Array(n * k);
  for (let step = 0; step < SCALINGS; step++) {
    const taken = new Float64Array(k);
    for (let i = 0; i < n; i++) {
      let total = LEAST;
      for (let c = 0; c < k; c++) total += kernel[i * k + c]! * columns[c]!;
      for (let c = 0; c < k; c++) {
        const share = (weights[i]! * kernel[i * k + c]! * columns[c]!) / total;
        plan[i * k + c] = share;
        taken[c]! += share;
      }
    }
    if (taken.every((mass) => Math.abs(mass - target) <= TOLERANCE * target)) break;
    for (let c = 0; c < k; c++) columns[c]! *= target / Math.max(taken[c]!, LEAST);
  }
  return plan;
}

/** Each point's centre: the largest share, the first among equals. No centre is left without a point. */
function rounded({ shares }: Plan, n: number, k: number): Int32Array {
  const labels = Int32Array.from({ length: n }, (_, i) => {
    const row = shares.subarray(i * k, (i + 1) * k);
    return row.indexOf(row.reduce((one, other) => Math.max(one, other)));
  });
  const size = new Int32Array(k);
  for (const c of labels) size[c]!++;
  for (let c = 0; c < k; c++) {
    if (size[c]! > 0) continue;
    let best = -1;
    for (let i = 0; i < n; i++) {
      if (size[labels[i]!]! > 1 && (best < 0 || shares[i * k + c]! > shares[best * k + c]!)) best = i;
    }
    size[labels[best]!]!--;
    labels[best] = c;
    size[c] = 1;
  }
  return labels;
}
