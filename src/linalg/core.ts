import { balance } from "./balance.ts";
import type { Combination } from "./combination.ts";
import { factorSvd } from "./factor-svd.ts";
import { type GramBasis, gramBasis } from "./gram-basis.ts";
import {
  firstRows,
  type Matrix,
  matrix,
  plus,
  product,
  productTransposed,
  rowsAt,
  scaledRows,
  stacked,
  transposed,
  transposedProduct,
} from "./matrix.ts";
import { leadingSvd, smallSvd } from "./small-svd.ts";
import { symmetricEigen } from "./symmetric-eigen.ts";

/** Directions and deltas below this share of the squares they belong to are rounding errors. */
const LEAST_SHARE = 1e-12;
/** Error of coordinates in a basis, as a share of the vector's length: Gram matrices square the condition number. */
export const ROUNDING = 1e-10;

/**
 * Orthonormal bases of the spans of all a-halves and of all b-halves, for a module's deltas in coordinates. Subspace methods work in
 * these, on matrices of at most N x N. Directions are rows throughout.
 */
export interface CoreSpace {
  readonly a: GramBasis;
  readonly b: GramBasis;
  readonly count: number;
}

/** A delta in coordinates, sum_i b_i a_i^T of its units' halves: b (r, b.size), a (r, a.size). */
export interface Core {
  readonly a: Matrix;
  readonly b: Matrix;
}

/** Singular triplets: sigma descending, left (count, b.size) and right (count, a.size) of unit rows. */
export interface Triplets {
  readonly sigma: number[];
  readonly left: Matrix;
  readonly right: Matrix;
}

/** Two shared bases of cores: left (k, b.size) and right (l, a.size), of orthonormal rows. */
export interface SharedBases {
  readonly left: Matrix;
  readonly right: Matrix;
}

/** The core space of n units, from their two Gram matrices in f64; the halves of a unit may have any sizes. */
export function coreSpaceOf(gramA: Float64Array, gramB: Float64Array, n: number): CoreSpace {
  const { a, b, turns } = balance(gramA, gramB, n);
  return { a: unbalanced(gramBasis(a, n), turns, 1), b: unbalanced(gramBasis(b, n), turns, -1), count: n };
}

/** The basis for the original rows, from a basis for the rows times 2^(sign turns). */
function unbalanced({ size, rooted, whitened }: GramBasis, turns: Int32Array, sign: number): GramBasis {
  const n = turns.length;
  const scaled = (data: Float64Array, way: number): Float64Array =>
    scaledRows(
      matrix(n, size, data),
      Float64Array.from(turns, (turn) => 2 ** (way * sign * turn)),
    ).data;
  return { size, rooted: scaled(rooted, -1), whitened: scaled(whitened, 1) };
}

/** The delta of the units at these positions. */
export function coreOf({ a, b }: CoreSpace, units: readonly number[]): Core {
  return { a: coordinates(a, units), b: coordinates(b, units) };
}

function coordinates({ size, rooted }: GramBasis, units: readonly number[]): Matrix {
  return rowsAt(matrix(rooted.length / size, size, rooted), units);
}

/** |D|_F of a core; 0 if its units cancel out up to rounding. */
export function coreNorm({ a, b }: Core): number {
  const [amongA, amongB] = [productTransposed(a, a).data, productTransposed(b, b).data];
  const square = amongA.reduce((sum, value, cell) => sum + value * amongB[cell]!, 0);
  let parts = 0;
  for (let i = 0; i < a.rows; i++) parts += Math.sqrt(amongA[i * a.rows + i]! * amongB[i * a.rows + i]!);
  return square > LEAST_SHARE * parts * parts ? Math.sqrt(square) : 0;
}

/** Whether a norm is only rounding error compared with the norm of the whole. */
export function isRounding(norm: number, beside: number): boolean {
  return !(norm ** 2 > LEAST_SHARE * beside ** 2);
}

/** left^T diag(sigma) right as units over all units of the pool, with |a| = |b|. */
export function unitsOf({ a, b, count }: CoreSpace, { sigma, left, right }: Triplets): Combination[] {
  const members = Int32Array.from({ length: count }, (_, i) => i);
  const roots = sigma.map(Math.sqrt);
  const over = (directions: Matrix, { size, whitened }: GramBasis): Float64Array =>
    scaledRows(productTransposed(directions, matrix(count, size, whitened)), roots).data;
  const [overA, overB] = [over(right, a), over(left, b)];
  return sigma.map((_, j) => ({
    members,
    a: overA.subarray(j * count, (j + 1) * count),
    b: overB.subarray(j * count, (j + 1) * count),
  }));
}

/**
 * Bases that depend on the deltas alone, not on their split into factors: eigenvectors of the sums of D D^T and of D^T D, strongest
 * directions first. Directions below 1e-12 of the squares are dropped.
 *
 * @param most the most directions to keep
 */
export function sharedBases(cores: readonly Core[], most: number = Number.POSITIVE_INFINITY): SharedBases {
  return {
    left: strongest(
      cores.map(({ a, b }) => ({ seen: a, spread: b })),
      most,
    ).directions,
    right: strongest(
      cores.map(({ a, b }) => ({ seen: b, spread: a })),
      most,
    ).directions,
  };
}

/**
 * The leading eigenvectors of sum_t S_t^T (Z_t Z_t^T) S_t, with `seen` Z_t (r, any) and `spread` S_t (r, size), and the sum of their
 * eigenvalues.
 */
export function strongest(
  terms: readonly { readonly seen: Matrix; readonly spread: Matrix }[],
  most: number,
): { directions: Matrix; energy: number } {
  const size = terms[0]!.spread.columns;
  const all = stacked(terms.map(({ spread }) => spread));
  const weighted = stacked(terms.map(({ seen, spread }) => product(productTransposed(seen, seen), spread)));
  const { values, vectors } = symmetricEigen(transposedProduct(all, weighted).data, size, most);
  const kept = values.filter((value) => value > LEAST_SHARE * values[0]!).subarray(0, most);
  return {
    directions: matrix(kept.length, size, vectors.slice(0, kept.length * size)),
    energy: kept.reduce((sum, value) => sum + value, 0),
  };
}

/** What is left of each row outside the span of directions (orthonormal rows). */
export function outside(rows: Matrix, directions: Matrix): Matrix {
  return plus(rows, product(productTransposed(rows, directions), directions), -1);
}

/** The rows nearest to those of a matrix that are orthonormal, or as near to it as rows that depend on each other can be. */
export interface PolarFactor {
  /** Whether the rows are orthonormal: none of the given ones depends on the others. */
  readonly orthonormal: boolean;
  /** The rows at these places. */
  at(places: readonly number[]): Matrix;
}

/** P Q^T of a matrix's SVD P S Q^T, without directions that are only rounding. */
export function polar(rows: Matrix): PolarFactor {
  const { left, right } = truncated(rows);
  const across = transposed(left);
  return { orthonormal: left.rows === rows.rows, at: (places) => product(rowsAt(across, places), right) };
}

/** All rows of `polar`. */
export function polarFactor(rows: Matrix): Matrix {
  return polar(rows).at([...Array(rows.rows).keys()]);
}

/** The leading singular triplets of a dense matrix. */
export function truncated(of: Matrix, count: number = Number.POSITIVE_INFINITY): Triplets {
  const { rows, columns, data } = of;
  const { sigma, left, right } = leadingSvd(of, count) ?? smallSvd(data, rows, columns);
  const kept = countAboveRounding(sigma, count);
  return {
    sigma: Array.from(sigma.subarray(0, kept)),
    left: firstRows(matrix(sigma.length, rows, left), kept),
    right: firstRows(matrix(sigma.length, columns, right), kept),
  };
}

/**
 * The leading singular triplets of a core, from the Gram matrices of its few units.
 *
 * @param beside norm of the delta that the core is a part of; a core that is only rounding error beside it has no triplets
 */
export function coreTriplets(core: Core, count: number = Number.POSITIVE_INFINITY, beside: number = 0): Triplets {
  const { a, b } = core;
  if (isRounding(coreNorm(core), beside)) return { sigma: [], left: matrix(0, b.columns), right: matrix(0, a.columns) };
  const { sigma, u, v } = factorSvd(productTransposed(a, a).data, productTransposed(b, b).data, a.rows, count);
  const kept = countAboveRounding(sigma, count);
  const rowsOf = (coefficients: readonly Float64Array[], half: Matrix): Matrix =>
    product(stacked(coefficients.slice(0, kept).map((row) => matrix(1, half.rows, row))), half);
  if (kept === 0) return { sigma: [], left: matrix(0, b.columns), right: matrix(0, a.columns) };
  return { sigma: sigma.slice(0, kept), left: rowsOf(u, b), right: rowsOf(v, a) };
}

function countAboveRounding(sigma: ArrayLike<number>, most: number): number {
  const kept = Array.from(sigma).findIndex((value) => !(value ** 2 > LEAST_SHARE * sigma[0]! ** 2));
  return Math.min(most, kept < 0 ? sigma.length : kept);
}
