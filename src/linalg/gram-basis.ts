import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** Eigenvalues of a Gram matrix below this share of the largest are rounding. */
const LEAST_EIGENVALUE = 1e-12;

/** An orthonormal basis of the span of n rows, by their Gram matrix G = E L E^T alone. */
export interface GramBasis {
  /** Number of basis vectors, at most n. */
  readonly size: number;
  /** E sqrt(L), (n, size): row i holds the coordinates of row i in the basis. */
  readonly rooted: Matrix;
  /** E / sqrt(L), (n, size): column j holds the coefficients of basis vector j over the rows. */
  readonly whitened: Matrix;
}

/** @param gram inner products (n, n), finite; eigenvalues below 1e-12 of the largest are dropped; the largest come first */
export function gramBasis(gram: Float64Array, n: number): GramBasis {
  const { values, vectors } = symmetricEigen(Matrix.from1DArray(n, n, Array.from(gram)));
  const kept = values.filter((value) => value > LEAST_EIGENVALUE * Math.max(values[0] ?? 0, 0)).length;
  const rooted = new Matrix(n, kept);
  const whitened = new Matrix(n, kept);
  for (let j = 0; j < kept; j++) {
    const root = Math.sqrt(values[j]!);
    for (let i = 0; i < n; i++) {
      rooted.set(i, j, vectors.get(i, j) * root);
      whitened.set(i, j, vectors.get(i, j) / root);
    }
  }
  return { size: kept, rooted, whitened };
}

/** Eigenvalues of a symmetric matrix, descending, and its eigenvectors as columns in that order. */
export function symmetricEigen(matrix: Matrix): { values: number[]; vectors: Matrix } {
  if (matrix.rows === 0) return { values: [], vectors: matrix };
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = [...realEigenvalues.keys()].sort((i, j) => realEigenvalues[j]! - realEigenvalues[i]! || i - j);
  const rows = [...Array(matrix.rows).keys()];
  return { values: order.map((i) => realEigenvalues[i]!), vectors: eigenvectorMatrix.selection(rows, order) };
}
