import { type Chains, tridiagonalize, vectorsBack } from "../kernels/dense.ts";
import { tooLargeToKeep } from "../kernels/own-memory.ts";
import { exponentOf, timesPowerOfTwo } from "./scaling.ts";

/** Rounds of QL for one eigenvalue (two or three are usual); each round beyond this doubles the negligible size. */
const USUAL_ROUNDS = 30;

/** Eigenvalues and leading eigenvectors of a symmetric matrix. */
export interface SymmetricEigen {
  /** (n), descending: all of them. */
  readonly values: Float64Array;
  /** (count, n): row j is the eigenvector of values[j], of unit length. */
  readonly vectors: Float64Array;
}

/**
 * The eigenvalues and leading eigenvectors of a symmetric matrix, in f64: Householder reduction to a tridiagonal matrix, then implicit QL
 * with Wilkinson's shift (Golub and Van Loan, Matrix Computations, 8.3). The rotations are kept and applied backwards to the wanted
 * vectors only, so the cost is proportional to their number. The matrix is scaled first, as in LAPACK's dsyev. Works for any rank and
 * spectrum: values are exact up to rounding relative to the largest, vectors orthogonal up to rounding. Deterministic: the same matrix
 * gives the same bits.
 *
 * @param matrix (n, n), finite; not changed
 * @param count how many eigenvectors, at most n
 */
export function symmetricEigen(matrix: Float64Array, n: number, count: number = n): SymmetricEigen {
  const exponent = exponentOf(matrix);
  const { diagonal, beside, reflections } = tridiagonalize(n, (room) => {
    timesPowerOfTwo(matrix, -exponent, room);
  });
  const chains = diagonalizeInPlace(diagonal, beside, n);
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j]! - diagonal[i]! || i - j);
  const vectors = vectorsBack(order.slice(0, count), n, chains, reflections);
  if (tooLargeToKeep(chains.turns.buffer.byteLength)) CHAINS = new GrowingChains();
  const values = Float64Array.from(order, (i) => diagonal[i]!);
  return { values: timesPowerOfTwo(values, exponent), vectors };
}

/** Down to this share of the largest singular value, eigenvalues of X^T X are accurate enough, to 1e-10. */
const LEAST_RATIO = 1e-3;

/** The square roots of the leading eigenvalues of X^T X: X's singular values. Null if squaring would lose the smallest of them. */
export function leadingRoots(values: Float64Array, count: number): number[] | null {
  if (count === 0 || !(values[count - 1]! > LEAST_RATIO ** 2 * values[0]!)) return null;
  return Array.from(values.subarray(0, count), Math.sqrt);
}

/** Chains of rotations, one after the other, in arrays that grow and are used again. */
class GrowingChains {
  #places = new Uint32Array(64);
  #turns = new Float64Array(1024);
  #chains = 0;
  #rotations = 0;

  clear(): void {
    this.#chains = 0;
    this.#rotations = 0;
  }

  /** Room for the rotations of one more chain, in (cosine, sine). */
  room(length: number): Float64Array {
    const end = 2 * (this.#rotations + length);
    if (end > this.#turns.length) this.#turns = grown(this.#turns, new Float64Array(2 * end));
    return this.#turns.subarray(2 * this.#rotations, end);
  }

  /** Add the first `length` rotations that were written into the room. */
  add(top: number, length: number): void {
    const at = 2 * this.#chains++;
    if (at === this.#places.length) this.#places = grown(this.#places, new Uint32Array(2 * at));
    this.#places[at] = top;
    this.#places[at + 1] = length;
    this.#rotations += length;
  }

  all(): Chains {
    return {
      places: this.#places.subarray(0, 2 * this.#chains),
      turns: this.#turns.subarray(0, 2 * this.#rotations),
    };
  }
}

/** Those of the matrix at hand: new arrays for each small one would be most of what the collector has to do. */
let CHAINS = new GrowingChains();

function grown<Values extends Float64Array | Uint32Array>(from: Values, into: Values): Values {
  into.set(from);
  return into;
}

/**
 * Implicit QL on a tridiagonal matrix: its diagonal becomes the eigenvalues. An off-diagonal entry is negligible if it is at rounding level
 * of the whole matrix (EISPACK's tql2): in a null space the neighbours of an entry are rounding errors too, and each step makes new
 * ones. Terminates for any entries, NaN included.
 */
function diagonalizeInPlace(diagonal: Float64Array, beside: Float64Array, n: number): Chains {
  const rounding = Number.EPSILON * normOf(diagonal, beside);
  CHAINS.clear();
  for (let l = 0; l < n; l++) {
    for (let round = 0; ; round++) {
      const negligible = rounding * 2 ** Math.max(0, round - USUAL_ROUNDS);
      let m = l;
      while (m + 1 < n && Math.abs(beside[m]!) > negligible) m++;
      if (m === l) break;
      stepInPlace(diagonal, beside, l, m);
    }
  }
  return CHAINS.all();
}

/** The largest sum of |entries| of a row of a tridiagonal matrix. */
function normOf(diagonal: Float64Array, beside: Float64Array): number {
  return diagonal.reduce((most, value, i) => {
    const before = i === 0 ? 0 : Math.abs(beside[i - 1]!);
    return Math.max(most, before + Math.abs(value) + Math.abs(beside[i]!));
  }, 0);
}

/** One QL step on the block l..m: a chain of rotations from the bottom up. */
function stepInPlace(d: Float64Array, e: Float64Array, l: number, m: number): void {
  const turns = CHAINS.room(m - l);
  const slope = (d[l + 1]! - d[l]!) / (2 * e[l]!);
  const root = hypotenuse(slope, 1);
  let g = d[m]! - d[l]! + e[l]! / (slope + (slope < 0 ? -root : root));
  let sine = 1;
  let cosine = 1;
  let shifted = 0;
  for (let i = m - 1, at = 0; i >= l; i--, at += 2) {
    const f = sine * e[i]!;
    const b = cosine * e[i]!;
    const r = hypotenuse(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1]! -= shifted;
      e[m] = 0;
      CHAINS.add(m - 1, m - 1 - i);
      return;
    }
    sine = f / r;
    cosine = g / r;
    const q = d[i + 1]! - shifted;
    const t = (d[i]! - q) * sine + 2 * cosine * b;
    shifted = sine * t;
    d[i + 1] = q + shifted;
    g = cosine * t - b;
    turns[at] = cosine;
    turns[at + 1] = sine;
  }
  d[l]! -= shifted;
  e[l] = g;
  e[m] = 0;
  CHAINS.add(m - 1, m - l);
}

function hypotenuse(a: number, b: number): number {
  const large = Math.max(Math.abs(a), Math.abs(b));
  if (large === 0) return 0;
  const ratio = Math.min(Math.abs(a), Math.abs(b)) / large;
  return large * Math.sqrt(1 + ratio * ratio);
}
