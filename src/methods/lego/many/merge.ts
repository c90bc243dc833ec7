import { shareOfB } from "../../../figures/share-of-b.ts";
import { scaledUnit } from "../../../linalg/combination.ts";
import type { StreamedPool } from "../../../units/streamed-pool.ts";
import { rowGrams, rowNorms, scaleRows, transformRows, type UnitRows } from "../../../units/unit-rows.ts";
import type { MergedModule, MergeRequest } from "../../method.ts";
import { adaptersInOrder, canonicalPlaces, compareIds } from "../../unit-order.ts";
import { decorrelated } from "../decorrelate.ts";
import type { LegoOptions } from "../options.ts";
import { deltaNorm, meanRank, weightedNorm, withNorm } from "../output.ts";
import { LEAST_CENTRE } from "../reweight.ts";
import { type StreamedPartition, streamedPartition } from "./partition.ts";
import { type Points, pointsOf } from "./points.ts";
import { clusterMasses, clusterMeans } from "./sums.ts";

/** LEGO on more units than have a matrix of all pairs: the same steps, with units and means passed strip by strip. */
export async function mergeManyUnits(pool: StreamedPool, request: MergeRequest<LegoOptions>): Promise<MergedModule> {
  const { rank: k, options } = request;
  const apart = k >= pool.count;
  const points = await pointsOf(pool, options, request.totalWeight / request.inputs, apart);
  const unordered = apart
    ? eachAlone(pool.count)
    : await streamedPartition(pool, points, Math.min(k, points.leaders.length), options);
  const partition = inPlace(pool, points, unordered);
  const masses = clusterMasses(points, partition);
  const rows = await pool.rowsOfSums(clusterMeans(points, partition, masses, new Float64Array(pool.count).fill(1)));
  const reweights = reweighted(pool, points, partition, rows, options);
  const half = options.outputReweight ? (meanRank(pool) / partition.k) ** 0.25 : 1;
  scaleRows(
    pool,
    rows,
    reweights.map((reweight) => (reweight ?? 0) * half),
  );
  return {
    rows: turned(pool, rows, partition.k < pool.count, options),
    combinations: null,
    clusters: membersOf(pool, points, partition).map((members, c) => ({
      members: members.map((i) => pool.ids[i]!).toSorted(compareIds),
      reweight: reweights[c]!,
    })),
    inertia: partition.inertia,
    inertiaPower: options.metric === "cosine" ? 0 : 1,
    ...(pool.count > 0 && { shareOfB: shareOfB(points.squaresA, points.squaresB) }),
  };
}

function eachAlone(n: number): StreamedPartition {
  return {
    k: n,
    labels: Int32Array.from({ length: n }, (_, i) => i),
    signs: new Int8Array(n).fill(1),
    inertia: 0,
  };
}

/** All units of each cluster, ascending. */
function membersOf(pool: StreamedPool, { pointOf }: Points, { k, labels }: StreamedPartition): number[][] {
  const members: number[][] = Array.from({ length: k }, () => []);
  for (let i = 0; i < pool.count; i++) members[labels[pointOf[i]!]!]!.push(i);
  return members;
}

/** Clusters numbered by the canonical places of their units. */
function inPlace(pool: StreamedPool, points: Points, partition: StreamedPartition): StreamedPartition {
  const places = canonicalPlaces(pool);
  const first = membersOf(pool, points, partition).map((members) =>
    members.reduce((least, i) => Math.min(least, places[i]!), Number.POSITIVE_INFINITY),
  );
  const order = Array.from(first.keys()).sort((c, d) => first[c]! - first[d]!);
  const number = Int32Array.from(order);
  for (const [place, c] of order.entries()) number[c] = place;
  return { ...partition, labels: partition.labels.map((c) => number[c]!) };
}

/** The factor that brings each mean back to the size of its members, as `reweightCentres` does; null if they cancel. */
function reweighted(
  pool: StreamedPool,
  points: Points,
  { k, labels }: StreamedPartition,
  rows: UnitRows,
  { reweight }: LegoOptions,
): (number | null)[] {
  if (reweight === "none") return Array<number>(k).fill(1);
  const { leaders, weights, a, b, squaresA, squaresB } = points;
  const sizeOf = (i: number): number => {
    if (reweight === "l2") return Math.sqrt(squaresA[i]! + squaresB[i]!);
    if (reweight === "delta") return squaresA[i]! * squaresB[i]!;
    return Math.max(Math.abs(a[i]!) * pool.maxA[i]!, Math.abs(b[i]!) * pool.maxB[i]!);
  };
  const [sums, masses, counts] = [new Float64Array(k), new Float64Array(k), new Int32Array(k)];
  for (let x = 0; x < leaders.length; x++) {
    sums[labels[x]!]! += weights[x]! * sizeOf(leaders[x]!);
    masses[labels[x]!]! += weights[x]!;
    counts[labels[x]!]!++;
  }
  const sizes = reweight === "delta" ? deltaSizes(pool, rows) : rowNorms(pool, rows, reweight);
  return Array.from(sizes, (size, c) => {
    if (counts[c] === 1) return 1;
    const mean = sums[c]! / masses[c]!;
    if (reweight !== "delta") return size < LEAST_CENTRE * mean ? null : mean / size;
    const rms = Math.sqrt(mean);
    return size < LEAST_CENTRE ** 2 * rms ? null : Math.sqrt(rms / size);
  });
}

/** |b| |a| of each row. */
function deltaSizes({ kernels, in: inputs, out }: StreamedPool, { count, a, b }: UnitRows): Float64Array {
  const [ofA, ofB] = [kernels.f64(count), kernels.f64(count)];
  kernels.squaredNorms(a, count, inputs, inputs, ofA);
  kernels.squaredNorms(b, count, out, out, ofB);
  return Float64Array.from(ofA, (square, c) => Math.sqrt(square * ofB[c]!));
}

/** The steps that follow on the whole delta: decorrelation if units were grouped, and the adapters' mean norm. */
function turned(pool: StreamedPool, rows: UnitRows, grouped: boolean, options: LegoOptions): UnitRows {
  const decorrelate = options.decorrelate > 0 && grouped;
  if (!decorrelate && options.outputNorm === "free") return rows;
  const { amongA, amongB } = rowGrams(pool, rows);
  const grams = { gramA: amongA, gramB: amongB, count: rows.count };
  const sized = Array.from({ length: rows.count }, (_, c) => scaledUnit(c, 1, 1));
  const apart = decorrelate ? decorrelated(grams, sized, options.decorrelate) : sized;
  const combinations = options.outputNorm === "mean" ? withNorm(grams, apart, meanNorm(pool)) : apart;
  const dense = (half: "a" | "b"): Float64Array[] =>
    combinations.map(({ members, [half]: values }) => {
      const row = new Float64Array(rows.count);
      for (let m = 0; m < members.length; m++) row[members[m]!] = values[m]!;
      return row;
    });
  return transformRows(pool, rows, dense("a"), dense("b"));
}

/** Weighted mean of |D_t|_F over the adapters that have live units here. */
function meanNorm(pool: StreamedPool): number {
  return weightedNorm(
    adaptersInOrder(pool).map(({ units, weight }) => ({
      weight,
      norm: deltaNorm(
        pool.ownGrams(units),
        units.map((_, x) => scaledUnit(x, 1, 1)),
      ),
    })),
  );
}
