import { matrix, product, productTransposed } from "../../src/linalg/matrix.ts";
import type { SmallSvd } from "../../src/linalg/small-svd.ts";
import type { SymmetricEigen } from "../../src/linalg/symmetric-eigen.ts";

/** Errors of a decomposition in units of max(rows, columns) 2^-52, those of the matrix beside its largest singular value or entry. */
export interface Errors {
  readonly residual: number;
  readonly orthogonality: number;
}

/** |M V - V L| and |V^T V - I|, largest entries. */
export function eigenErrors(of: Float64Array, n: number, { values, vectors }: SymmetricEigen): Errors {
  const size = sizeOf(of);
  const count = vectors.length / n;
  const images = product(matrix(count, n, vectors), matrix(n, n, dividedBy(of, size))).data;
  const residual = images.reduce(
    (most, x, at) => Math.max(most, Math.abs(x - (values[Math.floor(at / n)]! / size) * vectors[at]!)),
    0,
  );
  const norm = Math.max(1, ...values.map((value) => Math.abs(value / size)));
  return {
    residual: (residual - denormalStep(size)) / (norm * n * Number.EPSILON),
    orthogonality: lossOfOrthogonality(vectors, count, n) / (n * Number.EPSILON),
  };
}

/** |M - U S V^T| and the worse of |U^T U - I| and |V^T V - I|, largest entries. */
export function svdErrors(of: Float64Array, rows: number, columns: number, { sigma, left, right }: SmallSvd): Errors {
  const size = sizeOf(of);
  const count = sigma.length;
  const scaled = left.map((x, at) => (x * sigma[Math.floor(at / rows)]!) / size);
  const rebuilt = new Float64Array(rows * columns);
  for (let j = 0; j < count; j++) {
    for (let i = 0; i < rows; i++) {
      for (let x = 0; x < columns; x++) rebuilt[i * columns + x]! += scaled[j * rows + i]! * right[j * columns + x]!;
    }
  }
  const exact = dividedBy(of, size);
  const residual = rebuilt.reduce((most, x, at) => Math.max(most, Math.abs(x - exact[at]!)), 0);
  const unit = Math.max(rows, columns) * Number.EPSILON;
  return {
    residual: (residual - count * denormalStep(size)) / (Math.max(1, (sigma[0] ?? 0) / size) * unit),
    orthogonality: Math.max(lossOfOrthogonality(left, count, rows), lossOfOrthogonality(right, count, columns)) / unit,
  };
}

/** The largest entry of |X X^T - I| of rows X (count, length). */
export function lossOfOrthogonality(rows: Float64Array, count: number, length: number): number {
  const of = matrix(count, length, rows);
  return productTransposed(of, of).data.reduce(
    (most, x, at) => Math.max(most, Math.abs(x - (Math.floor(at / count) === at % count ? 1 : 0))),
    0,
  );
}

/** The largest |entry|; 1 where all are zero. */
export function sizeOf(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
}

function dividedBy(values: Float64Array, size: number): Float64Array {
  return values.map((value) => value / size);
}

/** What rounding a value of this size to a denormal may take off it, as a share. */
function denormalStep(size: number): number {
  return Number.MIN_VALUE / size;
}
