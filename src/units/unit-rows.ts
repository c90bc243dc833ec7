import type { Kernels } from "../kernels/kernels.ts";
import type { UnitProducts } from "../linalg/combination.ts";
import { mirrored } from "../linalg/mirrored.ts";

/** Merged units as rows in kernel memory: a (count, in) and b (count, out), f32, row-major. */
export interface UnitRows {
  readonly count: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** The memory of merged units and the lengths of their halves. A pool is one. */
export interface RowSpace {
  readonly kernels: Kernels;
  readonly in: number;
  readonly out: number;
}

/** Norm of each merged unit over both halves together: the largest |entry| (linf) or the length (l2). */
export function rowNorms(space: RowSpace, { count, a, b }: UnitRows, norm: "linf" | "l2"): Float64Array {
  const { kernels } = space;
  const ofA = kernels.f64(count);
  const ofB = kernels.f64(count);
  const measure = norm === "linf" ? kernels.maxAbs : kernels.squaredNorms;
  measure.call(kernels, a, count, space.in, space.in, ofA);
  measure.call(kernels, b, count, space.out, space.out, ofB);
  return Float64Array.from(ofA, (value, c) =>
    norm === "linf" ? Math.max(value, ofB[c]!) : Math.sqrt(value + ofB[c]!),
  );
}

/** Multiply both halves of merged unit c by factors[c], in place. */
export function scaleRows(space: RowSpace, rows: UnitRows, factors: readonly number[]): void {
  for (const [c, factor] of factors.entries()) {
    if (factor === 1) continue;
    space.kernels.scale(rows.a.subarray(c * space.in, (c + 1) * space.in), factor);
    space.kernels.scale(rows.b.subarray(c * space.out, (c + 1) * space.out), factor);
  }
}

/** New merged units from others: row j is sum_c a[j][c] a_c and sum_c b[j][c] b_c; f64 sums rounded once. */
export function transformRows(
  space: RowSpace,
  { count, a, b }: UnitRows,
  byA: readonly ArrayLike<number>[],
  byB: readonly ArrayLike<number>[],
): UnitRows {
  return {
    count: byA.length,
    a: sumsOfRows(space, a, count, space.in, byA),
    b: sumsOfRows(space, b, count, space.out, byB),
  };
}

/** New rows from the rows (count, columns) of one half: row j is sum_c by[j][c] row c; f64 sums rounded once. */
export function sumsOfRows(
  { kernels }: RowSpace,
  rows: Float32Array,
  count: number,
  columns: number,
  by: readonly ArrayLike<number>[],
): Float32Array {
  const coefficients = kernels.f64(by.length * count);
  for (const [j, row] of by.entries()) coefficients.set(row, j * count);
  const into = kernels.f32(by.length * columns);
  kernels.multiply(coefficients, by.length, rows, count, columns, columns, into, columns);
  return into;
}

/** Inner products of merged units among themselves, in f64. */
export function rowGrams(
  space: RowSpace,
  { count, a, b }: UnitRows,
): Pick<UnitProducts, "count" | "amongA" | "amongB"> {
  return { count, amongA: gramOfRows(space, a, count, space.in), amongB: gramOfRows(space, b, count, space.out) };
}

/** Inner products (count, count) of the rows (count, columns) of one half, in f64. */
export function gramOfRows({ kernels }: RowSpace, rows: Float32Array, count: number, columns: number): Float64Array {
  const every = Int32Array.from({ length: count }, (_, c) => c);
  const upper = kernels.f64(count * count).fill(0);
  kernels.gramF64(rows, count, columns, columns, upper);
  return mirrored(upper, count, every, new Float64Array(count * count));
}
