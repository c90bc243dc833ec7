import { Matrix } from "ml-matrix";
import type { Combination } from "./combination.ts";
import { thinSvd } from "./factor-svd.ts";
import { type GramBasis, gramBasis, symmetricEigen } from "./gram-basis.ts";

export type { Matrix } from "ml-matrix";

/** Directions whose part of all deltas' squares is below this are rounding. */
const LEAST_SHARE = 1e-12;

/**
 * A module's deltas in coordinates: with orthonormal bases of the span of all a-halves and of all b-halves, delta t is the core
 * M_t = sum of y_i x_i^T over its units i, x_i and y_i the units' coordinates. Subspace methods work on cores, of at most N x N.
 */
export interface CoreSpace {
  readonly a: GramBasis;
  readonly b: GramBasis;
  readonly count: number;
}

/** The core space of n units, from their two Gram matrices in f64. */
export function coreSpace(gramA: Float64Array, gramB: Float64Array, n: number): CoreSpace {
  return { a: gramBasis(gramA, n), b: gramBasis(gramB, n), count: n };
}

/** M_t (b.size, a.size): the delta of the units at these positions. */
export function coreOf({ a, b }: CoreSpace, units: ArrayLike<number>): Matrix {
  const core = Matrix.zeros(b.size, a.size);
  for (let u = 0; u < units.length; u++) {
    for (let p = 0; p < b.size; p++) {
      const y = b.rooted.get(units[u]!, p);
      for (let q = 0; q < a.size; q++) core.set(p, q, core.get(p, q) + y * a.rooted.get(units[u]!, q));
    }
  }
  return core;
}

/** left (b.size, m) diag(sigma) right (a.size, m)^T as m units over all units of the pool, |a| = |b| where left and right are unit. */
export function unitsOf(
  { a, b, count }: CoreSpace,
  left: Matrix,
  sigma: readonly number[],
  right: Matrix,
): Combination[] {
  const members = Int32Array.from({ length: count }, (_, i) => i);
  const [overA, overB] = [a.whitened.mmul(right), b.whitened.mmul(left)];
  return sigma.map((value, j) => {
    const root = Math.sqrt(value);
    return {
      members,
      a: Float64Array.from(overA.getColumn(j), (x) => x * root),
      b: Float64Array.from(overB.getColumn(j), (x) => x * root),
    };
  });
}

/** A core as units: its singular units, the largest first. */
export function singularUnits(space: CoreSpace, core: Matrix): Combination[] {
  const { sigma, left, right } = truncated(core, Number.POSITIVE_INFINITY);
  return unitsOf(space, left, sigma, right);
}

/** Two shared bases of cores: the left singular vectors of them side by side, the right ones of them one above another. */
export interface SharedBases {
  readonly left: Matrix;
  readonly right: Matrix;
}

/**
 * Bases that depend on the deltas alone, however they are split into factors: eigenvectors of the sums of M M^T and of M^T M, the
 * strongest directions first, those below 1e-12 of the squares dropped.
 *
 * @param most directions kept at most
 */
export function sharedBases(cores: readonly Matrix[], most: number = Number.POSITIVE_INFINITY): SharedBases {
  return {
    left: leading(
      cores.map((core) => core.mmul(core.transpose())),
      most,
    ),
    right: leading(
      cores.map((core) => core.transpose().mmul(core)),
      most,
    ),
  };
}

/** The leading eigenvectors of a sum of symmetric matrices, as columns. */
export function leading(terms: readonly Matrix[], most: number): Matrix {
  const { values, vectors } = symmetricEigen(terms.reduce((sum, term) => Matrix.add(sum, term)));
  const kept = values.filter((value) => value > LEAST_SHARE * values[0]!).length;
  return firstColumns(vectors, Math.min(kept, most));
}

/** The orthonormal columns nearest to those of a matrix, P Q^T of its SVD P S Q^T; directions that are only rounding are left out. */
export function polarFactor(matrix: Matrix): Matrix {
  const { left, right } = truncated(matrix, Number.POSITIVE_INFINITY);
  return left.mmul(right.transpose());
}

/** The leading singular triplets of a core. */
export function truncated(core: Matrix, count: number): { sigma: number[]; left: Matrix; right: Matrix } {
  const { sigma, left, right } = thinSvd(core);
  const kept = Math.min(count, sigma.filter((value) => value ** 2 > LEAST_SHARE * sigma[0]! ** 2).length);
  return { sigma: sigma.slice(0, kept), left: firstColumns(left, kept), right: firstColumns(right, kept) };
}

/** The first columns of a matrix, at most `count`. */
export function firstColumns(matrix: Matrix, count: number): Matrix {
  const kept = [...Array(Math.min(count, matrix.columns)).keys()];
  return matrix.selection([...Array(matrix.rows).keys()], kept);
}

/** Matrices of equally many rows side by side. */
export function sideBySide(parts: readonly Matrix[]): Matrix {
  const columns = parts.reduce((sum, part) => sum + part.columns, 0);
  const out = new Matrix(parts[0]?.rows ?? 0, columns);
  let at = 0;
  for (const part of parts) {
    out.setSubMatrix(part, 0, at);
    at += part.columns;
  }
  return out;
}

/** Frobenius norm. */
export function normOf(matrix: Matrix): number {
  return matrix.norm("frobenius");
}
