import { type PivotedRoot, pivotedRoot, whitenedRoot } from "../kernels/dense.ts";
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
  const { root, half } = scaledRoot(whitenedRoot, gram, n);
  const { pivots, columns, inverse } = root;
  const size = pivots.length;
  const rooted = new Float64Array(n * size);
  const whitened = new Float64Array(n * size);
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < n; i++) rooted[i * size + j] = columns[j * n + i]!;
    for (let i = 0; i <= j; i++) whitened[pivots[i]! * size + j] = inverse[j * size + i]!;
  }
  return {
    size,
    rooted: timesPowerOfTwo(rooted, half, rooted),
    whitened: timesPowerOfTwo(whitened, -half, whitened),
  };
}

/**
 * The Cholesky decomposition whose pivot is always the row farthest from the span so far; rows within rounding of the span are left
 * out. Entries may have any size, because the Gram matrix is scaled first.
 */
export function pivotedCholesky(gram: Float64Array, n: number): PivotedRoot {
  const { root, half } = scaledRoot(pivotedRoot, gram, n);
  return { pivots: root.pivots, columns: timesPowerOfTwo(root.columns, half, root.columns) };
}

/** The root of G / 4^half, whose entries are of moderate size. */
function scaledRoot<Root extends PivotedRoot>(
  find: (gram: Float64Array, n: number, least: number) => Root,
  given: Float64Array,
  n: number,
): { readonly root: Root; readonly half: number } {
  const half = Math.trunc(exponentOf(given) / 2);
  const gram = timesPowerOfTwo(given, -2 * half);
  let longest = 0;
  for (let i = 0; i < n; i++) longest = Math.max(longest, gram[i * n + i]!);
  return { root: find(gram, n, LEAST_SHARE * longest), half };
}
