import { balance } from "./balance.ts";
import { gramBasis, pivotedCholesky } from "./gram-basis.ts";
import { firstRows, matrix, product, productTransposed, rowsOf, scaledRows, transposedProduct } from "./matrix.ts";
import { exponentOf, timesPowerOfTwo } from "./scaling.ts";
import { smallSvd } from "./small-svd.ts";
import { leadingRoots, symmetricEigen } from "./symmetric-eigen.ts";

/** The singular value decomposition of D = sum_i b_i a_i^T = U S V^T, with vectors as combinations of the rows. */
export interface FactorSvd {
  /** Singular values, descending, all above zero. */
  readonly sigma: readonly number[];
  /** v[j]: coefficients over the a_i of the j-th right singular vector (unit length). */
  readonly v: readonly Float64Array[];
  /** u[j]: coefficients over the b_i of the j-th left singular vector. */
  readonly u: readonly Float64Array[];
}

/**
 * Decompose a product of factors from their Gram matrices alone, in f64, without the rows. Singular values below about 1e-6 of the
 * largest are inaccurate, because Gram matrices square the condition number. Rows may have any size, because units are balanced and
 * both matrices scaled first.
 *
 * @param gramA inner products (n, n) of the a_i, finite; gramB likewise
 * @param most how many leading triplets to compute; fewer is faster
 */
export function factorSvd(
  gramA: Float64Array,
  gramB: Float64Array,
  n: number,
  most: number = Number.POSITIVE_INFINITY,
): FactorSvd {
  const { a, b, turns } = balance(gramA, gramB, n);
  const [halfA, halfB] = [a, b].map((gram) => Math.trunc(exponentOf(gram) / 2)) as [number, number];
  const [scaledA, scaledB] = [timesPowerOfTwo(a, -2 * halfA), timesPowerOfTwo(b, -2 * halfB)];
  const { sigma, v, u } = bySquare(scaledA, scaledB, n, most) ?? byCore(scaledA, scaledB, n, most);
  return {
    sigma: Array.from(timesPowerOfTwo(Float64Array.from(sigma), halfA + halfB)),
    v: v.map((coefficients) => coefficients.map((x, i) => x * 2 ** (turns[i]! - halfA))),
    u: u.map((coefficients) => coefficients.map((x, i) => x * 2 ** (-turns[i]! - halfB))),
  };
}

/**
 * The leading triplets from the eigenvectors z of D^T D in a basis of the a_i. With G_A = C^T C this matrix is C G_B C^T; then
 * C^T z / sigma gives u over the b_i, and v = D^T u / sigma. Null if squaring would lose the smallest of them.
 */
function bySquare(gramA: Float64Array, gramB: Float64Array, n: number, most: number): FactorSvd | null {
  const { pivots, columns } = pivotedCholesky(gramA, n);
  const size = pivots.length;
  const basis = matrix(size, n, columns);
  const among = matrix(n, n, gramB);
  const count = Math.min(most, size);
  const { values, vectors } = symmetricEigen(productTransposed(product(basis, among), basis).data, size, count);
  const sigma = leadingRoots(values, count);
  if (sigma === null) return null;
  const inverses = sigma.map((value) => 1 / value);
  const u = scaledRows(product(matrix(count, size, vectors), basis), inverses);
  return { sigma, v: rowsOf(scaledRows(product(u, among), inverses)), u: rowsOf(u) };
}

/** All triplets down to rounding: with G_A = L_A L_A^T and likewise G_B, the core L_B^T L_A has D's singular values. */
function byCore(gramA: Float64Array, gramB: Float64Array, n: number, most: number): FactorSvd {
  const a = gramBasis(gramA, n);
  const b = gramBasis(gramB, n);
  const core = transposedProduct(matrix(n, b.size, b.rooted), matrix(n, a.size, a.rooted));
  const { sigma, left, right } = smallSvd(core.data, b.size, a.size);
  const overRows = (vectors: Float64Array, { size, whitened }: { size: number; whitened: Float64Array }) =>
    rowsOf(productTransposed(firstRows(matrix(sigma.length, size, vectors), most), matrix(n, size, whitened)));
  return { sigma: Array.from(sigma.subarray(0, most)), v: overRows(right, a), u: overRows(left, b) };
}

/**
 * The singular values of D = sum_i b_i a_i^T alone, descending, for a part of the cost of `factorSvd`. Squaring loses those below about
 * 1e-8 of the largest, which may come out as zero; sums of their squares are right.
 *
 * @param gramA inner products (n, n) of the a_i, finite; gramB likewise
 */
export function factorValues(gramA: Float64Array, gramB: Float64Array, n: number): number[] {
  const { a, b } = balance(gramA, gramB, n);
  const half = Math.trunc(exponentOf(b) / 2);
  const { pivots, columns } = pivotedCholesky(a, n);
  const basis = matrix(pivots.length, n, columns);
  const square = productTransposed(product(basis, matrix(n, n, timesPowerOfTwo(b, -2 * half))), basis);
  return gramSpectrum(square.data, pivots.length).map((value) => value * 2 ** half);
}

/** Square roots of the eigenvalues of a Gram matrix (n, n), descending: the singular values of its rows. */
export function gramSpectrum(gram: Float64Array, n: number): number[] {
  return Array.from(symmetricEigen(gram, n, 0).values, (value) => Math.sqrt(Math.max(0, value)));
}
