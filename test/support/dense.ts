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

/** Matrices one beside the other. */
export function beside(matrices: readonly Matrix[]): Matrix {
  return new Matrix(matrices[0]!.to2DArray().map((_, i) => matrices.flatMap((matrix) => matrix.getRow(i))));
}

/** The polar factor U V^T. */
export function polar(matrix: Matrix): Matrix {
  const { u, v } = denseSvd(matrix);
  return u.mmul(v.transpose());
}

/** sum_t w_t D_t. */
export function denseSum(matrices: readonly Matrix[], weights: readonly number[]): Matrix {
  return matrices.reduce(
    (sum, matrix, t) => sum.add(Matrix.mul(matrix, weights[t]!)),
    Matrix.zeros(matrices[0]!.rows, matrices[0]!.columns),
  );
}

/** Left singular vectors of matrices side by side, and right ones of matrices one below the other; largest entries positive. */
export function denseBases(
  matrices: readonly Matrix[],
  k: number = Number.POSITIVE_INFINITY,
): { u: Matrix; v: Matrix } {
  const turned = (basis: Matrix): Matrix => {
    const signs = Array.from({ length: basis.columns }, (_, j) => {
      const column = basis.getColumn(j);
      return Math.sign(column.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0));
    });
    return basis.clone().mulRowVector(signs);
  };
  return {
    u: turned(denseSvd(beside(matrices), k).u),
    v: turned(denseSvd(beside(matrices.map((matrix) => matrix.transpose())), k).u),
  };
}

/** A rule written out plainly: prune each matrix to its int(density n) largest entries, then sum, or average what agrees in sign. */
export function plainRule(
  rule: "ties" | "magnitude_prune",
  matrices: readonly Matrix[],
  weights: readonly number[],
  density: number,
): Matrix {
  const pruned = matrices.map((matrix) => {
    const sizes = matrix
      .to1DArray()
      .map(Math.abs)
      .sort((one, other) => other - one);
    const least = sizes[Math.floor(density * sizes.length) - 1] ?? Number.POSITIVE_INFINITY;
    return matrix.to2DArray().map((row) => row.map((x) => (Math.abs(x) >= least ? x : 0)));
  });
  return new Matrix(
    pruned[0]!.map((row, p) =>
      row.map((_, q) => {
        const values = pruned.map((matrix) => matrix[p]![q]!);
        const sign = values.reduce((sum, x) => sum + x, 0) >= 0 ? 1 : -1;
        const agree = rule === "ties" ? values.map((x) => Math.sign(x) === sign) : values.map(() => true);
        const sum = values.reduce((total, x, t) => total + (agree[t] ? weights[t]! * x : 0), 0);
        return rule === "ties" ? sum / Math.max(1, agree.filter(Boolean).length) : sum;
      }),
    ),
  );
}
