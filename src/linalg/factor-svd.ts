import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { gramBasis, symmetricEigen } from "./gram-basis.ts";

/** The singular value decomposition of D = sum_i b_i a_i^T = U S V^T, its vectors as combinations of the rows. */
export interface FactorSvd {
  /** Singular values, descending, all above zero. */
  readonly sigma: readonly number[];
  /** v[j]: coefficients over the a_i of the j-th right singular vector (unit length). */
  readonly v: readonly (readonly number[])[];
  /** u[j]: coefficients over the b_i of the j-th left singular vector. */
  readonly u: readonly (readonly number[])[];
}

/**
 * Decompose a product of factors through their Gram matrices alone, in f64: with G_A = E_A L_A E_A^T and G_B alike, the
 * core sqrt(L_B) E_B^T E_A sqrt(L_A) has D's singular values. Never touches the rows. Singular values below about 1e-6 of
 * the largest are inaccurate, as Gram matrices square the condition.
 *
 * @param gramA inner products (n, n) of the a_i, finite; gramB likewise
 */
export function factorSvd(gramA: Float64Array, gramB: Float64Array, n: number): FactorSvd {
  const a = gramBasis(gramA, n);
  const b = gramBasis(gramB, n);
  const { sigma, left, right } = thinSvd(b.rooted.transpose().mmul(a.rooted));
  const v = a.whitened.mmul(right);
  const u = b.whitened.mmul(left);
  return {
    sigma,
    v: sigma.map((_, j) => v.getColumn(j)),
    u: sigma.map((_, j) => u.getColumn(j)),
  };
}

/** The SVD of a small matrix, only its singular values above zero (descending) and their vectors as columns. */
export function thinSvd(matrix: Matrix): { sigma: number[]; left: Matrix; right: Matrix } {
  const { rows, columns } = matrix;
  if (rows === 0 || columns === 0) return { sigma: [], left: new Matrix(rows, 0), right: new Matrix(columns, 0) };
  const svd = new SingularValueDecomposition(matrix, { autoTranspose: true });
  const sigma = svd.diagonal.filter((value) => value > 0);
  const leading = [...sigma.keys()];
  return {
    sigma,
    left: svd.leftSingularVectors.selection([...Array(rows).keys()], leading),
    right: svd.rightSingularVectors.selection([...Array(columns).keys()], leading),
  };
}

/** Square roots of the eigenvalues of a Gram matrix (n, n), descending: the singular values of its rows. */
export function gramSpectrum(gram: Float64Array, n: number): number[] {
  const { values } = symmetricEigen(Matrix.from1DArray(n, n, Array.from(gram)));
  return values.map((value) => Math.sqrt(Math.max(0, value)));
}
