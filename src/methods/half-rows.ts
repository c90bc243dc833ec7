import { matrix, product, productTransposed, rowsOf, stackedRows } from "../linalg/matrix.ts";
import type { Pool } from "../units/pool.ts";
import { gramOfRows, sumsOfRows, type UnitRows } from "../units/unit-rows.ts";
import { topUnits } from "./top-units.ts";

/** Units whose a are rows of their own, and whose b are sums over the pool's units: b_j = sum_i b[j][i] b_i, i < N. */
export interface HalfRows {
  /** (count, in), f32, row-major, in kernel memory. */
  readonly a: Float32Array;
  readonly b: readonly Float64Array[];
}

/** The units as rows. */
export async function writtenHalfRows(pool: Pool, { a, b }: HalfRows): Promise<UnitRows> {
  return { count: b.length, a, b: await sumsOverPool(pool, b) };
}

/**
 * The best rank-k approximation of the units' delta, as rows. The inner products of their b follow from those of the pool, so that only k
 * rows of b are ever written.
 *
 * @param k below the number of units
 */
export async function cutHalfRows(pool: Pool, { a, b }: HalfRows, k: number): Promise<UnitRows> {
  const count = b.length;
  const overPool = stackedRows(b, pool.count);
  const amongB = productTransposed(product(overPool, matrix(pool.count, pool.count, pool.gramB)), overPool).data;
  const top = topUnits({ count, amongA: gramOfRows(pool, a, count, pool.in), amongB }, k);
  const sums = rowsOf(product(stackedRows(top.b, count), overPool));
  return { count: top.a.length, a: sumsOfRows(pool, a, count, pool.in, top.a), b: await sumsOverPool(pool, sums) };
}

function sumsOverPool(pool: Pool, b: readonly Float64Array[]): Promise<Float32Array> {
  const members = Int32Array.from({ length: pool.count }, (_, i) => i);
  return pool.combineHalf(
    b.map((own) => ({ members, a: own, b: own })),
    "b",
  );
}
