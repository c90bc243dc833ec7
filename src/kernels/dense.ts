import type { Arena } from "./arena.ts";
import { ownMemory } from "./own-memory.ts";

/**
 * Dense f64 algebra of small matrices in WebAssembly SIMD. Matrices are copied into the memory of these functions and out of it, which
 * costs a small part of the work on them. Sums run in the order of their terms, so each result has the same bits on every machine.
 */

/** What the wasm code exports for it; addresses and strides in bytes. */
interface Exports {
  denseProduct(
    factors: number,
    count: number,
    apart: number,
    stride: number,
    of: number,
    terms: number,
    columns: number,
    out: number,
  ): void;
  tridiagonalize(matrix: number, n: number, diagonal: number, beside: number, betas: number, image: number): void;
  pivotedRoot(gram: number, n: number, left: number, least: number, columns: number, pivots: number): number;
  invertedPivots(columns: number, n: number, pivots: number, size: number, column: number, inverse: number): void;
  turnBack(rows: number, width: number, chains: number, count: number, turns: number, total: number): void;
  reflectBack(columns: number, width: number, vectors: number, betas: number, n: number, sums: number): void;
}

const begin = ownMemory<Exports>();

/** The values in a new view of the arena. */
function placed(arena: Arena, values: Float64Array): Float64Array {
  const view = arena.f64(values.length);
  view.set(values);
  return view;
}

/** The transpose of a matrix (rows, columns) in a new view of the arena. */
function placedAcross(arena: Arena, values: Float64Array, rows: number, columns: number): Float64Array {
  const view = arena.f64(values.length);
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < columns; j++, at++) view[j * rows + i] = values[at]!;
  return view;
}

/**
 * out (count, columns): out[i, j] = sum_k factors[i * apart + k * stride] of[k, j], k < terms in order.
 *
 * @param of (terms, columns); its transpose if `across`
 */
export function denseProduct(
  factors: Float64Array,
  count: number,
  apart: number,
  stride: number,
  of: Float64Array,
  terms: number,
  columns: number,
  across: boolean = false,
): Float64Array {
  if (count === 0 || columns === 0) return new Float64Array(0);
  const { wasm, arena } = begin(factors.length, of.length, count * columns);
  const left = placed(arena, factors);
  const right = across ? placedAcross(arena, of, columns, terms) : placed(arena, of);
  const out = arena.f64(count * columns);
  wasm.denseProduct(left.byteOffset, count, 8 * apart, 8 * stride, right.byteOffset, terms, columns, out.byteOffset);
  return out.slice();
}

/** G = C^T C of a Gram matrix (n, n). */
export interface PivotedRoot {
  /** The row that each basis vector was made from. */
  readonly pivots: Uint32Array;
  /** C (size, n): row j holds the j-th coordinate of every row; 0 for earlier pivots. */
  readonly columns: Float64Array;
}

/** A root with the basis vectors that its coordinates belong to. */
export interface WhitenedRoot extends PivotedRoot {
  /** V (size, size): row j holds the coefficients of basis vector j over the pivots' rows, 0 after index j. */
  readonly inverse: Float64Array;
}

/**
 * The Cholesky decomposition whose pivot is always the row farthest from the span so far, until no squared distance is above `least`.
 *
 * @param gram (n, n), finite
 */
export function pivotedRoot(gram: Float64Array, n: number, least: number): PivotedRoot {
  const { root } = rootOf(gram, n, least, 0);
  return root;
}

/** `pivotedRoot` with the inverse of its triangle. */
export function whitenedRoot(gram: Float64Array, n: number, least: number): WhitenedRoot {
  const { wasm, arena, root, places } = rootOf(gram, n, least, n);
  const size = root.pivots.length;
  const [column, inverse] = [arena.f64(n), arena.f64(size * size)];
  wasm.invertedPivots(places.columns, n, places.pivots, size, column.byteOffset, inverse.byteOffset);
  return { ...root, inverse: inverse.slice() };
}

/** The root, where its parts lie, and room for `more` rows after it. */
function rootOf(gram: Float64Array, n: number, least: number, more: number) {
  const { wasm, arena } = begin(n * n, n, n * n, n, more * n, more);
  const given = placed(arena, gram);
  const left = arena.f64(n);
  for (let i = 0; i < n; i++) left[i] = gram[i * n + i]!;
  const columns = arena.f64(n * n);
  const pivots = arena.u32(n);
  const places = { columns: columns.byteOffset, pivots: pivots.byteOffset };
  const size = wasm.pivotedRoot(given.byteOffset, n, left.byteOffset, least, places.columns, places.pivots);
  return { wasm, arena, places, root: { pivots: pivots.slice(0, size), columns: columns.slice(0, size * n) } };
}

/** A symmetric matrix M as T between reflections: M = H_0 H_1 ... T ... H_1 H_0, H_k = I - beta_k v_k v_k^T. */
export interface Tridiagonal {
  /** (n): T[k, k]. */
  readonly diagonal: Float64Array;
  /** (n): T[k, k + 1]; the last is 0. */
  readonly beside: Float64Array;
  readonly reflections: Reflections;
}

/** The reflections of a tridiagonal form. */
export interface Reflections {
  /** (n, n): row k holds v_k after index k; v_k is zero up to k, whatever the row contains there. */
  readonly vectors: Float64Array;
  /** (n): beta_k; 0 if nothing is reflected. */
  readonly betas: Float64Array;
}

/**
 * Householder's reduction of a symmetric matrix to a tridiagonal one (Golub and Van Loan, Matrix Computations, 8.3.1).
 *
 * @param fill writes the matrix (n, n), finite
 */
export function tridiagonalize(n: number, fill: (matrix: Float64Array) => void): Tridiagonal {
  const { wasm, arena } = begin(n * n, n, n, n, n);
  const m = arena.f64(n * n);
  fill(m);
  const [diagonal, beside, betas, image] = [arena.f64(n), arena.f64(n), arena.f64(n), arena.f64(n)];
  wasm.tridiagonalize(m.byteOffset, n, diagonal.byteOffset, beside.byteOffset, betas.byteOffset, image.byteOffset);
  return {
    diagonal: diagonal.slice(),
    beside: beside.slice(),
    reflections: { vectors: m.slice(), betas: betas.slice() },
  };
}

/** Chains of rotations, each from a pair of neighbouring rows upwards. */
export interface Chains {
  /** (chains, 2): the first rotation of a chain acts on rows top and top + 1, the next on top - 1 and top...; and their number. */
  readonly places: Uint32Array;
  /** (rotations, 2): cosine and sine, chain after chain. */
  readonly turns: Float64Array;
}

/**
 * Some eigenvectors of M from its tridiagonal form: the inverses of the rotations that made T diagonal, the last one first, and then the
 * reflections, act on columns of the identity.
 *
 * @param columns which columns, in order
 * @returns (columns, n): a row for each
 */
export function vectorsBack(
  columns: readonly number[],
  n: number,
  { places, turns }: Chains,
  { vectors, betas }: Reflections,
): Float64Array {
  const kept = columns.length;
  if (kept === 0) return new Float64Array(0);
  const width = kept + (kept % 2);
  const { wasm, arena } = begin(n * width, width, n * n, n, turns.length, places.length);
  const rows = arena.f64(n * width).fill(0);
  for (const [j, row] of columns.entries()) rows[row * width + j] = 1;
  const sums = arena.f64(width);
  const [v, beta, turned] = [placed(arena, vectors), placed(arena, betas), placed(arena, turns)];
  const chains = arena.u32(places.length);
  chains.set(places);
  wasm.turnBack(rows.byteOffset, 8 * width, chains.byteOffset, places.length / 2, turned.byteOffset, turns.length / 2);
  wasm.reflectBack(rows.byteOffset, 8 * width, v.byteOffset, beta.byteOffset, n, sums.byteOffset);
  const out = new Float64Array(kept * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < kept; j++) out[j * n + i] = rows[i * width + j]!;
  return out;
}
