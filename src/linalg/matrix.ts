/** A small dense matrix in f64, row after row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** (rows, columns) */
  readonly data: Float64Array;
}

/** A matrix of zeros, or of the given entries, which it keeps. */
export function matrix(rows: number, columns: number, data: Float64Array = new Float64Array(rows * columns)): Matrix {
  return { rows, columns, data };
}

/** left (m, n) times right (n, p). */
export function product(left: Matrix, right: Matrix): Matrix {
  const out = matrix(left.rows, right.columns);
  for (let i = 0; i < left.rows; i++) addScaledRows(out, i, left.data, i * left.columns, 1, right);
  return out;
}

/** left^T (m, n) times right (n, p), of left (n, m). */
export function transposedProduct(left: Matrix, right: Matrix): Matrix {
  const out = matrix(left.columns, right.columns);
  for (let i = 0; i < left.columns; i++) addScaledRows(out, i, left.data, i, left.columns, right);
  return out;
}

/** Row i of `out` becomes the sum of the rows of `of`, times the factors that lie `stride` apart from `first`. */
function addScaledRows(out: Matrix, i: number, factors: Float64Array, first: number, stride: number, of: Matrix): void {
  const row = out.data.subarray(i * out.columns, (i + 1) * out.columns);
  const { rows, columns, data } = of;
  for (let k = 0; k < rows; k++) {
    const factor = factors[first + k * stride]!;
    if (factor === 0) continue;
    for (let j = 0, at = k * columns; j < columns; j++, at++) row[j]! += factor * data[at]!;
  }
}

export function transposed({ rows, columns, data }: Matrix): Matrix {
  const out = matrix(columns, rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out.data[j * rows + i] = data[i * columns + j]!;
  return out;
}

/** left (m, n) times right^T, of right (p, n). */
export function productTransposed(left: Matrix, right: Matrix): Matrix {
  return product(left, transposed(right));
}

/** The first rows, at most `count`. */
export function firstRows({ rows, columns, data }: Matrix, count: number): Matrix {
  const kept = Math.min(count, rows);
  return matrix(kept, columns, data.slice(0, kept * columns));
}

/** Matrices of equally many columns one above another. */
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
