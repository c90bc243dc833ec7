import { seededRandom } from "../core/random.ts";
import { stripColumns } from "../units/memory.ts";
import type { StreamedPool } from "../units/streamed-pool.ts";
import { rowGrams, transformRows } from "../units/unit-rows.ts";
import { orthonormalize } from "./dense/orthonormalize.ts";
import { type ManyUnits, type MergedModule, type ModuleShape, sumOfRanks } from "./method.ts";
import { topUnits } from "./top-units.ts";

/** Directions beyond k that are followed. */
const OVERSAMPLING = 10;
/** The most rounds of the iteration. */
const ROUNDS = 12;
/** The iteration ends when a round adds less than this share of the squares held. */
const LEAST_GAIN = 1e-6;

/**
 * The sum of the deltas of more units than have a matrix of all pairs, cut to rank k.
 *
 * @param factorOf what the sum of w_t D_t is divided by
 */
export function cutSumOfMany<Options>(divisorOf: (totalWeight: number) => number): ManyUnits<Options> {
  return {
    scratchBytes: cutSumBytes,
    merge: (pool, { rank, totalWeight }) => {
      const divisor = divisorOf(totalWeight);
      return cutSum(
        pool,
        pool.weights.map((weight) => weight / divisor),
        rank,
      );
    },
  };
}

/**
 * The k leading singular units of S = sum_i f_i b_i a_i^T by subspace iteration on the factors (Halko, Martinsson and Tropp 2011, arXiv
 * 0909.4061): directions Q (l, out) and W (l, in) in turn, from seeded random ones, l = k + 10, until the squares that Q S holds no
 * longer grow. Never forms S, nor any matrix of all pairs. If l reaches the smaller side, the result is exact up to f32 rounding.
 */
async function cutSum(pool: StreamedPool, factors: Float64Array, k: number): Promise<MergedModule> {
  const { kernels, in: inputs, out } = pool;
  const width = Math.min(k + OVERSAMPLING, inputs, out);
  const rows = { count: width, a: kernels.f32(width * inputs), b: kernels.f32(width * out) };
  if (pool.count === 0) return { combinations: null, rows: { count: 0, a: kernels.f32(0), b: kernels.f32(0) } };
  const random = seededRandom(0);
  const start = Float64Array.from({ length: width * inputs }, () => random.uniform() - 0.5);
  let count = orthonormalize(start, width, inputs, rows.a);
  const times = async (half: "a" | "b"): Promise<void> => {
    const [from, into, columns] = half === "a" ? ([rows.a, rows.b, out] as const) : ([rows.b, rows.a, inputs] as const);
    const products = await pool.productsWithRows(half, from.subarray(0, (count * from.length) / width));
    for (let at = 0; at < products.length; at++) products[at]! *= factors[at % pool.count]!;
    await pool.writeCombined(half === "a" ? "b" : "a", products, into.subarray(0, count * columns));
  };
  let held = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await times("a");
    count = orthonormalize(Float64Array.from(rows.b.subarray(0, count * out)), count, out, rows.b);
    await times("b");
    const squares = rows.a.subarray(0, count * inputs).reduce((sum, value) => sum + value * value, 0);
    if (!(squares > held * (1 + LEAST_GAIN)) || width === Math.min(inputs, out)) break;
    held = squares;
    if (round + 1 < ROUNDS)
      count = orthonormalize(Float64Array.from(rows.a.subarray(0, count * inputs)), count, inputs, rows.a);
  }
  const found = { count, a: rows.a.subarray(0, count * inputs), b: rows.b.subarray(0, count * out) };
  const { a, b } = topUnits(rowGrams(pool, found), k);
  return { combinations: null, rows: transformRows(pool, found, a, b) };
}

/** Kernel memory of `cutSum` besides its result, in bytes. */
function cutSumBytes({ in: inputs, out, ranks, rank }: ModuleShape): number {
  const units = sumOfRanks(ranks);
  const width = Math.min(rank + OVERSAMPLING, inputs, out);
  return (
    width * (4 * (inputs + out) + 8 * units + 4 * stripColumns(units, inputs, out) + 16 * width + 16 * rank) + 1024
  );
}
