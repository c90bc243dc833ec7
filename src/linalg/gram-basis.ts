import { type PivotedRoot, pivotedRoot } from "../kernels/dense.ts";
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

/**
 * The Cholesky decomposition whose pivot is always the row farthest from the span so far; rows within rounding of the span are left
 * out. Entries may have any size, because the Gram matrix is scaled first.
 */
export function pivotedCholesky(given: Float64Array, n: number): PivotedRoot {
  const half = Math.trunc(exponentOf(given) / 2);
  const gram = timesPowerOfTwo(given, -2 * half);
  let longest = 0;
  for (let i = 0; i < n; i++) longest = Math.max(longest, gram[i * n + i]!);
  const { pivots, columns } = pivotedRoot(gram, n, LEAST_SHARE * longest);
  return { pivots, columns: timesPowerOfTwo(columns, half) };
}

/** (n, size): the inverse of the triangle formed by the pivots' rows of L, transposed, in the pivots' rows; 0 elsewhere. */
function inverseOfPivots(rooted: Float64Array, pivots: ArrayLike<number>, n: number): Float64Array {
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
