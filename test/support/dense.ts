import { Matrix, SingularValueDecomposition } from "ml-matrix";

/** U diag(s) V^T of a dense matrix: what subspace methods are compared with. */
export interface DenseSvd {
  readonly u: Matrix;
  readonly s: number[];
  readonly v: Matrix;
}

/** The k leading singular directions of a matrix; by default those above rounding. */
export function denseSvd(matrix: Matrix, k: number = Number.POSITIVE_INFINITY): DenseSvd {
  const svd = new SingularValueDecomposition(matrix, { autoTranspose: true });
  const count = Math.min(k, svd.diagonal.filter((value) => value > 1e-6 * svd.diagonal[0]!).length);
  const columns = Array.from({ length: count }, (_, j) => j);
  return {
    u: svd.leftSingularVectors.subMatrixColumn(columns),
    s: svd.diagonal.slice(0, count),
    v: svd.rightSingularVectors.subMatrixColumn(columns),
  };
}

/** U diag(s) V^T. */
export function rebuilt({ u, s, v }: DenseSvd): Matrix {
  return u.mmul(Matrix.diag(s)).mmul(v.transpose());
}

/** sum_t w_t D_t. */
export function denseSum(matrices: readonly Matrix[], weights: readonly number[]): Matrix {
  return matrices.reduce(
    (sum, matrix, t) => sum.add(Matrix.mul(matrix, weights[t]!)),
    Matrix.zeros(matrices[0]!.rows, matrices[0]!.columns),
  );
}
