import { denseProduct } from "../kernels/dense.ts";

/** A small dense matrix in f64, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** (rows, columns) */
  readonly data: Float64Array;
}

/** A matrix of zeros, or of the given entries, which are not copied. */
export function matrix(rows: number, columns: number, data: Float64Array = new Float64Array(rows * columns)): Matrix {
  return { rows, columns, data };
}

/** left (m, n) times right (n, p). */
export function product({ rows, columns, data }: Matrix, right: Matrix): Matrix {
  const out = denseProduct(data, rows, columns, 1, right.data, columns, right.columns);
  return matrix(rows, right.columns, out);
}

/** left^T (m, n) times right (n, p), for left (n, m). */
export function transposedProduct({ rows, columns, data }: Matrix, right: Matrix): Matrix {
  const out = denseProduct(data, columns, 1, columns, right.data, rows, right.columns);
  return matrix(columns, right.columns, out);
}

export function transposed({ rows, columns, data }: Matrix): Matrix {
  const out = matrix(columns, rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out.data[j * rows + i] = data[i * columns + j]!;
  return out;
}

/** left (m, n) times right^T, for right (p, n). */
export function productTransposed(left: Matrix, right: Matrix): Matrix {
  const { rows, columns, data } = left;
  return matrix(rows, right.rows, denseProduct(data, rows, columns, 1, right.data, columns, right.rows, true));
}

/** The rows, which share the matrix's memory. */
export function rowsOf({ rows, columns, data }: Matrix): Float64Array[] {
  return Array.from({ length: rows }, (_, j) => data.subarray(j * columns, (j + 1) * columns));
}

/** A matrix of these rows, each of `columns` entries. */
export function stackedRows(rows: readonly ArrayLike<number>[], columns: number): Matrix {
  const out = matrix(rows.length, columns);
  for (const [at, row] of rows.entries()) out.data.set(row, at * columns);
  return out;
}

/** The first rows, at most `count`. */
export function firstRows({ rows, columns, data }: Matrix, count: number): Matrix {
  const kept = Math.min(count, rows);
  return matrix(kept, columns, data.slice(0, kept * columns));
}

/** The rows at these places, in this order. */
export function rowsAt({ columns, data }: Matrix, places: readonly number[]): Matrix {
  const out = matrix(places.length, columns);
  for (const [at, i] of places.entries()) out.data.set(data.subarray(i * columns, (i + 1) * columns), at * columns);
  return out;
}

/** Matrices with the same number of columns, one above the other. */
export function stacked(parts: readonly Matrix[]): Matrix {
  const columns = parts[0]?.columns ?? 0;
  const out = matrix(
    parts.reduce((sum, { rows }) => sum + rows, 0),
    columns,
  );
  let at = 0;
  for (const { data } of parts) {
    out.data.set(data, at);
    at += data.length;
  }
  return out;
}

/** one + factor other. */
export function plus(one: Matrix, other: Matrix, factor = 1): Matrix {
  return matrix(
    one.rows,
    one.columns,
    one.data.map((value, cell) => value + factor * other.data[cell]!),
  );
}

/** Row i times factor i. */
export function scaledRows({ rows, columns, data }: Matrix, factors: ArrayLike<number>): Matrix {
  const out = matrix(rows, columns, data.slice());
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out.data[i * columns + j]! *= factors[i]!;
  return out;
}

/** Frobenius norm. */
export function normOf({ data }: Matrix): number {
  let sum = 0;
  for (const value of data) sum += value * value;
  return Math.sqrt(sum);
}
