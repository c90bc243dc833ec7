/** Rounds of QL that one eigenvalue may take; two or three are usual. */
const MOST_ROUNDS = 60;

/** Eigenvalues and eigenvectors of a symmetric matrix. */
export interface SymmetricEigen {
  /** (n), descending. */
  readonly values: Float64Array;
  /** (n, n): row j is the eigenvector of values[j], of unit length. */
  readonly vectors: Float64Array;
}

/**
 * The eigenvalues and eigenvectors of a symmetric matrix, in f64: Householder reduction to a tridiagonal matrix, implicit QL with
 * Wilkinson's shift on that (Golub and Van Loan, Matrix Computations, 8.3), and the reflections carried back. Vectors lie in rows, so
 * that every inner loop runs along memory. Deterministic: the same matrix gives the same bits.
 *
 * @param matrix (n, n), finite; left as it is
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  const reduced = Float64Array.from(matrix);
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const reflections = tridiagonalizeInPlace(reduced, n, diagonal, beside);
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  diagonalizeInPlace(diagonal, beside, vectors, n);
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j]! - diagonal[i]! || i - j);
  const sorted = new Float64Array(n * n);
  for (const [at, from] of order.entries()) sorted.set(vectors.subarray(from * n, from * n + n), at * n);
  reflectRowsInPlace(sorted, reflections, n);
  return { values: Float64Array.from(order, (i) => diagonal[i]!), vectors: sorted };
}

/** Reflections H_k = I - beta_k v_k v_k^T that make a matrix tridiagonal. */
interface Reflections {
  /** (n, n): row k holds v_k, zero up to and including place k. */
  readonly vectors: Float64Array;
  /** (n): beta_k, 0 where nothing is reflected. */
  readonly betas: Float64Array;
}

/** T = H ... H matrix H ... H: its diagonal, and beside[k] = T[k, k + 1]. */
function tridiagonalizeInPlace(
  matrix: Float64Array,
  n: number,
  diagonal: Float64Array,
  beside: Float64Array,
): Reflections {
  const vectors = new Float64Array(n * n);
  const betas = new Float64Array(n);
  const image = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    diagonal[k] = matrix[k * n + k]!;
    if (k + 1 === n) break;
    const v = vectors.subarray(k * n, k * n + n);
    for (let i = k + 1; i < n; i++) v[i] = matrix[k * n + i]!;
    const { beta, along } = reflectionInPlace(v, k + 1, n);
    beside[k] = along;
    betas[k] = beta;
    if (beta === 0) continue;
    let product = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      for (let j = k + 1, at = i * n + j; j < n; j++, at++) sum += matrix[at]! * v[j]!;
      image[i] = beta * sum;
      product += image[i]! * v[i]!;
    }
    const half = (beta / 2) * product;
    for (let i = k + 1; i < n; i++) image[i]! -= half * v[i]!;
    for (let i = k + 1; i < n; i++) {
      const vi = v[i]!;
      const wi = image[i]!;
      for (let j = k + 1, at = i * n + j; j < n; j++, at++) matrix[at]! -= vi * image[j]! + wi * v[j]!;
    }
  }
  return { vectors, betas };
}

/** Turn x into v of the reflection that sends x to (along, 0, ..., 0), x the entries from..n. */
function reflectionInPlace(x: Float64Array, from: number, n: number): { beta: number; along: number } {
  let largest = 0;
  for (let i = from + 1; i < n; i++) largest = Math.max(largest, Math.abs(x[i]!));
  const first = x[from]!;
  if (largest === 0) return { beta: 0, along: first };
  const scale = Math.max(largest, Math.abs(first));
  let square = 0;
  for (let i = from; i < n; i++) square += (x[i]! / scale) ** 2;
  const norm = Math.sqrt(square);
  const lead = first / scale;
  const along = lead > 0 ? -norm : norm;
  for (let i = from; i < n; i++) x[i]! /= scale;
  x[from] = lead - along;
  return { beta: 1 / (norm * (norm + Math.abs(lead))), along: along * scale };
}

/** Implicit QL on a tridiagonal matrix; row i of `vectors` turns into the eigenvector of diagonal[i]. */
function diagonalizeInPlace(diagonal: Float64Array, beside: Float64Array, vectors: Float64Array, n: number): void {
  for (let l = 0; l < n; l++) {
    for (let round = 0; ; round++) {
      let m = l;
      while (m + 1 < n && !isNegligible(beside[m]!, diagonal[m]!, diagonal[m + 1]!)) m++;
      if (m === l) break;
      if (round === MOST_ROUNDS) throw new Error(`an eigenvalue did not settle in ${MOST_ROUNDS} rounds`);
      stepInPlace(diagonal, beside, vectors, n, l, m);
    }
  }
}

function isNegligible(beside: number, one: number, other: number): boolean {
  return Math.abs(beside) <= Number.EPSILON * (Math.abs(one) + Math.abs(other));
}

/** One QL step on the block l..m: a chain of rotations from below. */
function stepInPlace(d: Float64Array, e: Float64Array, vectors: Float64Array, n: number, l: number, m: number): void {
  const slope = (d[l + 1]! - d[l]!) / (2 * e[l]!);
  const root = hypotenuse(slope, 1);
  let g = d[m]! - d[l]! + e[l]! / (slope + (slope < 0 ? -root : root));
  let sine = 1;
  let cosine = 1;
  let shifted = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = sine * e[i]!;
    const b = cosine * e[i]!;
    const r = hypotenuse(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1]! -= shifted;
      e[m] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    const q = d[i + 1]! - shifted;
    const t = (d[i]! - q) * sine + 2 * cosine * b;
    shifted = sine * t;
    d[i + 1] = q + shifted;
    g = cosine * t - b;
    rotateRows(vectors, i * n, (i + 1) * n, n, cosine, sine);
  }
  d[l]! -= shifted;
  e[l] = g;
  e[m] = 0;
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
  const [large, small] = Math.abs(a) > Math.abs(b) ? [Math.abs(a), Math.abs(b)] : [Math.abs(b), Math.abs(a)];
  return large === 0 ? 0 : large * Math.sqrt(1 + (small / large) ** 2);
}

/** Each row z becomes H_0 H_1 ... z. */
function reflectRowsInPlace(rows: Float64Array, { vectors, betas }: Reflections, n: number): void {
  for (let r = 0; r < n; r++) {
    const row = rows.subarray(r * n, r * n + n);
    for (let k = n - 2; k >= 0; k--) {
      if (betas[k] === 0) continue;
      let sum = 0;
      for (let i = k + 1, at = k * n + i; i < n; i++, at++) sum += vectors[at]! * row[i]!;
      const factor = betas[k]! * sum;
      for (let i = k + 1, at = k * n + i; i < n; i++, at++) row[i]! -= factor * vectors[at]!;
    }
  }
}
