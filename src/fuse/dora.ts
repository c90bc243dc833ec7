import type { Magnitude } from "./fuse-plan.ts";

/** Calls back with the rows of W + s B A, in ascending order. */
type Slabs = (use: (rows: Float32Array, from: number) => void) => Promise<void>;

/** How entries of a matrix map to magnitudes. */
function indexOf({ axis, group }: Magnitude, columns: number, from: number, x: number): number {
  return axis === "rows" ? from + Math.floor(x / columns) : Math.floor((x % columns) / group);
}

/**
 * DoRA's factors: each magnitude over the norm of its rows or columns in W + s B A (Liu et al. 2024, arXiv 2402.09353, eq. 5); sums in
 * f64. Rows or columns of zeros stay zero.
 *
 * @param values one for every row, or group of columns
 * @param slabs of (rows, columns)
 */
export async function magnitudeScales(
  values: Float64Array,
  magnitude: Magnitude,
  columns: number,
  slabs: Slabs,
): Promise<Float64Array> {
  const squares = new Float64Array(values.length);
  await slabs((rows, from) => {
    for (let x = 0; x < rows.length; x++) squares[indexOf(magnitude, columns, from, x)]! += rows[x]! * rows[x]!;
  });
  const { epsilon } = magnitude;
  return squares.map((square, i) => (square === 0 ? 0 : values[i]! / (Math.sqrt(square) + epsilon)));
}

/** Multiply rows or columns by their factors, each product rounded to f32. @param from index of the first row */
export function scaleRows(
  rows: Float32Array,
  columns: number,
  from: number,
  magnitude: Magnitude,
  scales: Float64Array,
): void {
  for (let x = 0; x < rows.length; x++) rows[x]! *= scales[indexOf(magnitude, columns, from, x)]!;
}
