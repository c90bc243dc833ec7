import { EigenvalueDecomposition, Matrix, SingularValueDecomposition } from "ml-matrix";

/** Eigenvalues of a Gram matrix below this share of the largest are rounding. */
const LEAST_EIGENVALUE = 1e-12;

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
  if (n === 0) return { sigma: [], v: [], u: [] };
  const a = basis(gramA, n);
  const b = basis(gramB, n);
  if (a.size === 0 || b.size === 0) return { sigma: [], v: [], u: [] };
  const core = b.rooted.transpose().mmul(a.rooted);
  const svd = new SingularValueDecomposition(core, { autoTranspose: true });
  const count = svd.diagonal.filter((value) => value > 0).length;
  const v = a.whitened.mmul(svd.rightSingularVectors);
  const u = b.whitened.mmul(svd.leftSingularVectors);
  return {
    sigma: svd.diagonal.slice(0, count),
    v: Array.from({ length: count }, (_, j) => v.getColumn(j)),
    u: Array.from({ length: count }, (_, j) => u.getColumn(j)),
  };
}

/** E sqrt(L) and E / sqrt(L) of a Gram matrix, on its eigenvalues above rounding. */
function basis(gram: Float64Array, n: number): { size: number; rooted: Matrix; whitened: Matrix } {
  const matrix = Matrix.from1DArray(n, n, Array.from(gram));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const largest = Math.max(...realEigenvalues, 0);
  const kept = [...realEigenvalues.keys()].filter((j) => realEigenvalues[j]! > LEAST_EIGENVALUE * largest);
  const rooted = new Matrix(n, kept.length);
  const whitened = new Matrix(n, kept.length);
  for (const [column, j] of kept.entries()) {
    const root = Math.sqrt(realEigenvalues[j]!);
    for (let i = 0; i < n; i++) {
      rooted.set(i, column, eigenvectorMatrix.get(i, j) * root);
      whitened.set(i, column, eigenvectorMatrix.get(i, j) / root);
    }
  }
  return { size: kept.length, rooted, whitened };
}

/** Square roots of the eigenvalues of a Gram matrix (n, n), descending: the singular values of its rows. */
export function gramSpectrum(gram: Float64Array, n: number): number[] {
  const matrix = Matrix.from1DArray(n, n, Array.from(gram));
  const { realEigenvalues } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  return realEigenvalues.map((value) => Math.sqrt(Math.max(0, value))).sort((one, other) => other - one);
}
