import { exponentOf, timesPowerOfTwo } from "./scaling.ts";
import { reflectRowsInPlace, tridiagonalize } from "./tridiagonal.ts";

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
  const { diagonal, beside, reflections } = tridiagonalize(timesPowerOfTwo(matrix, -exponent), n);
  const chains = diagonalizeInPlace(diagonal, beside, n);
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j]! - diagonal[i]! || i - j);
  const kept = Math.min(count, n);
  const columns = new Float64Array(n * kept);
  for (let j = 0; j < kept; j++) columns[order[j]! * kept + j] = 1;
  for (let c = chains.length - 1; c >= 0; c--) rotateBack(columns, kept, chains[c]!);
  const vectors = new Float64Array(kept * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < kept; j++) vectors[j * n + i] = columns[i * kept + j]!;
  reflectRowsInPlace(vectors, kept, reflections, n);
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

/** The rotations of one QL step, from the highest pair of rows down. */
interface Chain {
  /** The first rotation acts on rows top and top + 1, the next on top - 1 and top... */
  readonly top: number;
  readonly length: number;
  /** Cosine and sine, alternating. */
  readonly turns: Float64Array;
}

/**
 * Implicit QL on a tridiagonal matrix: its diagonal becomes the eigenvalues. An off-diagonal entry is negligible if it is at rounding level
 * of the whole matrix (EISPACK's tql2): in a null space the neighbours of an entry are rounding errors too, and each step makes new
 * ones. Terminates for any entries, NaN included.
 */
function diagonalizeInPlace(diagonal: Float64Array, beside: Float64Array, n: number): Chain[] {
  const rounding = Number.EPSILON * normOf(diagonal, beside);
  const chains: Chain[] = [];
  for (let l = 0; l < n; l++) {
    for (let round = 0; ; round++) {
      const negligible = rounding * 2 ** Math.max(0, round - USUAL_ROUNDS);
      let m = l;
      while (m + 1 < n && Math.abs(beside[m]!) > negligible) m++;
      if (m === l) break;
      chains.push(stepInPlace(diagonal, beside, l, m));
    }
  }
  return chains;
}

/** The largest sum of |entries| of a row of a tridiagonal matrix. */
function normOf(diagonal: Float64Array, beside: Float64Array): number {
  return diagonal.reduce((most, value, i) => {
    const before = i === 0 ? 0 : Math.abs(beside[i - 1]!);
    return Math.max(most, before + Math.abs(value) + Math.abs(beside[i]!));
  }, 0);
}

/** One QL step on the block l..m: a chain of rotations from the bottom up. */
function stepInPlace(d: Float64Array, e: Float64Array, l: number, m: number): Chain {
  const turns = new Float64Array(2 * (m - l));
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
      return { top: m - 1, length: m - 1 - i, turns };
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
  return { top: m - 1, length: m - l, turns };
}

/** Apply the inverses of a chain's rotations, last one first, to rows of `count` entries. */
function rotateBack(rows: Float64Array, count: number, { top, length, turns }: Chain): void {
  let at = length - 1;
  // Two at once, so that the row between them is loaded and stored once.
  for (; at >= 1; at -= 2) {
    const x = (top - at) * count;
    const [c, s, d, t] = [turns[2 * at]!, turns[2 * at + 1]!, turns[2 * at - 2]!, turns[2 * at - 1]!];
    for (let k = x, l = x + count, m = l + count; k < x + count; k++, l++, m++) {
      const first = rows[k]!;
      const second = rows[l]!;
      const third = rows[m]!;
      const between = c * second - s * first;
      rows[k] = c * first + s * second;
      rows[l] = d * between + t * third;
      rows[m] = d * third - t * between;
    }
  }
  if (at === 0) rotateRows(rows, top * count, (top + 1) * count, count, turns[0]!, -turns[1]!);
}

/** Rows x and y of `count` entries become c x - s y and s x + c y. */
export function rotateRows(rows: Float64Array, x: number, y: number, count: number, c: number, s: number): void {
  for (let k = 0; k < count; k++) {
    const one = rows[x + k]!;
    const other = rows[y + k]!;
    rows[x + k] = c * one - s * other;
    rows[y + k] = s * one + c * other;
  }
}

function hypotenuse(a: number, b: number): number {
  const large = Math.max(Math.abs(a), Math.abs(b));
  if (large === 0) return 0;
  const ratio = Math.min(Math.abs(a), Math.abs(b)) / large;
  return large * Math.sqrt(1 + ratio * ratio);
}
