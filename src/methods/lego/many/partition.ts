import { clusterPoints, renumber } from "../../../linalg/cluster.ts";
import type { Partition } from "../../../linalg/points.ts";
import type { StreamedPool } from "../../../units/streamed-pool.ts";
import type { LegoOptions } from "../options.ts";
import { LIMITS, type PointLimits } from "./bounds.ts";
import type { Points } from "./points.ts";
import { clusterMasses, clusterMeans } from "./sums.ts";

/** The most passes over all points, each of which moves every point that gains by it. */
const PASSES = 60;
/** A pass counts only if it lowers the objective by this share; sums of units are in f32. */
const LEAST_GAIN = 1e-6;
/** A move must lower the objective by this share of w_i |x_i|^2. */
const LEAST_MOVE = 1e-6;

/** A partition of all points with its objective. */
export interface StreamedPartition extends Partition {
  /** sum_i w_i |x_i - m_c(i)|^2. */
  readonly inertia: number;
}

/**
 * Cluster points without the matrix of all pairs. Up to 2048 points are searched as `clusterPoints` does. More are dealt out to chunks of
 * 1024, Ward's tree and single moves make about 2048 centres of them, and the search clusters these centres with their weights. Then
 * all points move in passes, each to the cluster where Hartigan's criterion puts it while the means stand still, as long as the objective
 * falls. Memory grows with N and k; deterministic.
 *
 * @param k 1 <= k <= number of points
 * @returns clusters numbered by their first point
 */
export async function streamedPartition(
  pool: StreamedPool,
  points: Points,
  k: number,
  { effort, seed }: LegoOptions,
  limits: PointLimits = LIMITS,
): Promise<StreamedPartition> {
  const n = points.leaders.length;
  const all = Array.from({ length: n }, (_, x) => x);
  if (n <= limits.searched) {
    const gram = await gramOfPoints(pool, points, all);
    const found = clusterPoints({ count: n, gram, weights: points.weights, line: points.line }, k, effort, seed);
    return { ...found, inertia: (await judged(pool, points, found)).inertia };
  }
  const chunks = await chunkCentres(pool, points, k, limits);
  const masses = clusterMasses(points, chunks);
  const gram = await pool.gramOfSums(clusterMeans(points, chunks, masses, points.lengths));
  const centres = clusterPoints({ count: chunks.k, gram, weights: masses, line: points.line }, k, effort, seed);
  return settle(pool, points, {
    k,
    labels: chunks.labels.map((c) => centres.labels[c]!),
    signs: chunks.signs.map((sign, x) => sign * centres.signs[chunks.labels[x]!]!),
  });
}

/** Every chunk's points clustered by themselves, all clusters numbered through. */
async function chunkCentres(
  pool: StreamedPool,
  points: Points,
  k: number,
  { chunk: most, searched }: PointLimits,
): Promise<Partition> {
  const n = points.leaders.length;
  const chunks = Math.ceil(n / most);
  const each = Math.max(Math.floor(searched / chunks), Math.ceil(k / chunks));
  const labels = new Int32Array(n);
  const signs = new Int8Array(n).fill(1);
  let total = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    const own: number[] = [];
    for (let x = chunk; x < n; x += chunks) own.push(x);
    const gram = await gramOfPoints(pool, points, own);
    const weights = Float64Array.from(own, (x) => points.weights[x]!);
    const clusters = Math.min(each, own.length);
    const found = clusterPoints({ count: own.length, gram, weights, line: points.line }, clusters, 0, 0);
    for (const [at, x] of own.entries()) {
      labels[x] = total + found.labels[at]!;
      signs[x] = found.signs[at]!;
    }
    total += clusters;
  }
  return { k: total, labels, signs };
}

function gramOfPoints(pool: StreamedPool, { leaders, a, b, lengths }: Points, of: readonly number[]) {
  const members = Int32Array.from(of, (x) => leaders[x]!);
  return pool.gramOfSums({
    offsets: Int32Array.from({ length: of.length + 1 }, (_, s) => s),
    members,
    a: Float64Array.from(members, (i) => a[i]! / lengths[i]!),
    b: Float64Array.from(members, (i) => b[i]! / lengths[i]!),
  });
}

/** Move points in passes until the objective no longer falls. */
async function settle(pool: StreamedPool, points: Points, start: Partition): Promise<StreamedPartition> {
  let best = { partition: start, ...(await judged(pool, points, start)) };
  for (let pass = 0; pass < PASSES; pass++) {
    const next = moved(points, best.partition, best);
    if (next === null) break;
    const found = await judged(pool, points, next);
    if (!(found.inertia < best.inertia * (1 - LEAST_GAIN))) break;
    best = { partition: next, ...found };
  }
  return { ...renumber(best.partition), inertia: best.inertia };
}

/** What a partition's means are to the points. */
interface Judgement {
  readonly inertia: number;
  readonly masses: Float64Array;
  /** (k, N): inner product of each mean with each unit. */
  readonly products: Float64Array;
  /** Squared length of each mean. */
  readonly squares: Float64Array;
}

async function judged(pool: StreamedPool, points: Points, partition: Partition): Promise<Judgement> {
  const { leaders, weights, a, b, lengths } = points;
  const masses = clusterMasses(points, partition);
  const over = (factors: Float64Array): Float64Array => factors.map((factor, i) => factor / lengths[i]!);
  const products = await pool.productsWithSums(clusterMeans(points, partition, masses, lengths), over(a), over(b));
  const squares = new Float64Array(partition.k);
  let inertia = 0;
  for (let x = 0; x < leaders.length; x++) {
    const c = partition.labels[x]!;
    const product = partition.signs[x]! * products[c * pool.count + leaders[x]!]!;
    squares[c]! += (weights[x]! / masses[c]!) * product;
    inertia += weights[x]! * (squareOf(points, x) - product);
  }
  return { inertia: Math.max(0, inertia), masses, products, squares };
}

/** Squared length of a point. */
function squareOf({ leaders, squaresA, squaresB, lengths }: Points, x: number): number {
  const i = leaders[x]!;
  return (squaresA[i]! + squaresB[i]!) / lengths[i]! ** 2;
}

/**
 * Every point where Hartigan's criterion puts it while all means stay where they are; the last point of a cluster stays.
 *
 * @returns null if no point moves
 */
function moved(points: Points, { k, labels, signs }: Partition, { masses, products, squares }: Judgement) {
  const { leaders, pointOf, weights, line } = points;
  const n = pointOf.length;
  const next = { k, labels: labels.slice(), signs: signs.slice() };
  const sizes = new Int32Array(k);
  for (const c of labels) sizes[c]!++;
  let moves = 0;
  for (let x = 0; x < leaders.length; x++) {
    const home = labels[x]!;
    if (sizes[home] === 1) continue;
    const i = leaders[x]!;
    const w = weights[x]!;
    const own = squareOf(points, x);
    let here = 0;
    let best = Number.POSITIVE_INFINITY;
    let target = home;
    for (let c = 0; c < k; c++) {
      const product = products[c * n + i]!;
      // Equal points keep their mean at a distance of rounding errors, which must not become negative.
      const square = Math.max(0, own + squares[c]! - 2 * (line ? Math.abs(product) : product));
      const cost = ((w * masses[c]!) / (c === home ? masses[c]! - w : masses[c]! + w)) * square;
      if (c === home) here = cost;
      if (cost < best) {
        best = cost;
        target = c;
      }
    }
    if (target === home || !(here - best > LEAST_MOVE * w * own)) target = home;
    const sign = line && products[target * n + i]! < 0 ? -1 : 1;
    if (target === home && sign === signs[x]) continue;
    sizes[home]!--;
    sizes[target]!++;
    next.labels[x] = target;
    next.signs[x] = sign;
    moves++;
  }
  return moves === 0 ? null : next;
}
