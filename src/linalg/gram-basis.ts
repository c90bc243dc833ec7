import { exponentOf, timesPowerOfTwo } from "./scaling.ts";

/** A row is in the span of earlier rows if its squared distance is below this share of the longest row's square. */
const LEAST_SHARE = 1e-12;

/** An orthonormal basis of the span of n rows, from their Gram matrix alone. */
export interface GramBasis {
  /** Number of basis vectors, at most n. */
  readonly size: number;
  /** L of G = L L^T, (n, size): row i holds the coordinates of row i in the basis. */
  readonly rooted: Float64Array;
  /** (n, size): column j holds the coefficients of basis vector j over the rows. */
  readonly whitened: Float64Array;
}

/**
 * The basis of Gram-Schmidt if each step takes the row farthest from the span so far: the pivoted Cholesky decomposition of G, in f64.
 * It costs a small part of an eigenvalue decomposition. Rows in the span of others take no part in it.
 *
 * @param gram inner products (n, n), finite
 */
export function gramBasis(gram: Float64Array, n: number): GramBasis {
  const { pivots, columns } = pivotedCholesky(gram, n);
  const size = pivots.length;
  const rooted = new Float64Array(n * size);
  for (let j = 0; j < size; j++) for (let i = 0; i < n; i++) rooted[i * size + j] = columns[j * n + i]!;
  return { size, rooted, whitened: inverseOfPivots(rooted, pivots, n) };
}

/** G = C^T C of a Gram matrix (n, n). */
export interface PivotedCholesky {
  /** The row that each basis vector was made from. */
  readonly pivots: readonly number[];
  /** C (size, n): row j holds the j-th coordinate of every row; 0 for earlier pivots. */
  readonly columns: Float64Array;
}

/**
 * The Cholesky decomposition whose pivot is always the row farthest from the span so far; rows within rounding of the span are left
 * out. Entries may have any size, because the Gram matrix is scaled first.
 */
export function pivotedCholesky(given: Float64Array, n: number): PivotedCholesky {
  const half = Math.trunc(exponentOf(given) / 2);
  const gram = timesPowerOfTwo(given, -2 * half);
  const left = Float64Array.from({ length: n }, (_, i) => gram[i * n + i]!);
  const least = LEAST_SHARE * left.reduce((most, square) => Math.max(most, square), 0);
  const columns = new Float64Array(n * n);
  const pivots: number[] = [];
  while (pivots.length < n) {
    let pivot = 0;
    for (let i = 1; i < n; i++) if (left[i]! > left[pivot]!) pivot = i;
    if (!(left[pivot]! > least)) break;
    const at = pivots.length * n;
    columns.set(gram.subarray(pivot * n, pivot * n + n), at);
    subtractEarlier(columns, at, pivot, n);
    const root = Math.sqrt(left[pivot]!);
    for (const earlier of pivots) columns[at + earlier] = 0;
    for (let i = 0; i < n; i++) {
      const coordinate = columns[at + i]! / root;
      columns[at + i] = coordinate;
      left[i]! -= coordinate * coordinate;
    }
    columns[at + pivot] = root;
    left[pivot] = 0;
    pivots.push(pivot);
  }
  return { pivots, columns: timesPowerOfTwo(columns.subarray(0, pivots.length * n), half) };
}

/** Subtract the earlier rows from the row at `at`, each times its entry at the pivot; four at once. */
function subtractEarlier(columns: Float64Array, at: number, pivot: number, n: number): void {
  let j = 0;
  for (; j + 4 * n <= at; j += 4 * n) {
    const f0 = columns[j + pivot]!;
    const f1 = columns[j + n + pivot]!;
    const f2 = columns[j + 2 * n + pivot]!;
    const f3 = columns[j + 3 * n + pivot]!;
    for (let i = 0, p = j, q = j + n, r = j + 2 * n, s = j + 3 * n; i < n; i++, p++, q++, r++, s++) {
      columns[at + i] = columns[at + i]! - f0 * columns[p]! - f1 * columns[q]! - f2 * columns[r]! - f3 * columns[s]!;
    }
  }
  for (; j < at; j += n) {
    const factor = columns[j + pivot]!;
    for (let i = 0; i < n; i++) columns[at + i]! -= factor * columns[j + i]!;
  }
}

/** (n, size): the inverse of the triangle formed by the pivots' rows of L, transposed, in the pivots' rows; 0 elsewhere. */
function inverseOfPivots(rooted: Float64Array, pivots: readonly number[], n: number): Float64Array {
  const size = pivots.length;
  const whitened = new Float64Array(n * size);
  for (let j = 0; j < size; j++) {
    const unit = rooted[pivots[j]! * size + j]!;
    whitened[pivots[j]! * size + j] = 1 / unit;
    for (let i = 0; i < j; i++) {
      let sum = 0;
      for (let m = i; m < j; m++) sum += rooted[pivots[j]! * size + m]! * whitened[pivots[i]! * size + m]!;
      whitened[pivots[i]! * size + j] = -sum / unit;
    }
  }
  return whitened;
}
