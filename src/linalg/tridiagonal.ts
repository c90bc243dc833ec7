/** A symmetric matrix M as T between reflections: M = H_0 H_1 ... T ... H_1 H_0, H_k = I - beta_k v_k v_k^T. */
export interface Tridiagonal {
  /** (n): T[k, k]. */
  readonly diagonal: Float64Array;
  /** (n): T[k, k + 1]; the last is 0. */
  readonly beside: Float64Array;
  readonly reflections: Reflections;
}

interface Reflections {
  /** (n, n): row k holds v_k after index k; v_k is zero up to k, whatever the row contains there. */
  readonly vectors: Float64Array;
  /** (n): beta_k; 0 if nothing is reflected. */
  readonly betas: Float64Array;
}

/**
 * Householder's reduction of a symmetric matrix to a tridiagonal one (Golub and Van Loan, Matrix Computations, 8.3.1), in f64.
 *
 * @param matrix (n, n), finite; overwritten with the reflections
 */
export function tridiagonalize(matrix: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const betas = new Float64Array(n);
  const image = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    diagonal[k] = matrix[k * n + k]!;
    if (k + 1 === n) break;
    const v = matrix.subarray(k * n, k * n + n);
    const { beta, along } = reflectionInPlace(v, k + 1, n);
    beside[k] = along;
    betas[k] = beta;
    if (beta === 0) continue;
    multiplyFrom(matrix, v, image, k + 1, n);
    let product = 0;
    for (let i = k + 1; i < n; i++) {
      image[i]! *= beta;
      product += image[i]! * v[i]!;
    }
    const half = (beta / 2) * product;
    for (let i = k + 1; i < n; i++) image[i]! -= half * v[i]!;
    subtractFrom(matrix, v, image, k + 1, n);
  }
  return { diagonal, beside, reflections: { vectors: matrix, betas } };
}

/** Turn x (the entries from..n) into v of the reflection that sends x to (along, 0, ..., 0). */
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

/** image = M v over the rows and columns from..n; four rows at once, so that they share each loaded entry of v. */
function multiplyFrom(matrix: Float64Array, v: Float64Array, image: Float64Array, from: number, n: number): void {
  let i = from;
  for (; i + 4 <= n; i += 4) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    const r0 = i * n;
    const r1 = r0 + n;
    const r2 = r1 + n;
    const r3 = r2 + n;
    for (let j = from; j < n; j++) {
      const x = v[j]!;
      s0 += matrix[r0 + j]! * x;
      s1 += matrix[r1 + j]! * x;
      s2 += matrix[r2 + j]! * x;
      s3 += matrix[r3 + j]! * x;
    }
    image[i] = s0;
    image[i + 1] = s1;
    image[i + 2] = s2;
    image[i + 3] = s3;
  }
  for (; i < n; i++) {
    let sum = 0;
    for (let j = from, at = i * n + j; j < n; j++, at++) sum += matrix[at]! * v[j]!;
    image[i] = sum;
  }
}

/** M -= v w^T + w v^T over the rows and columns from..n; two rows at once. */
function subtractFrom(matrix: Float64Array, v: Float64Array, w: Float64Array, from: number, n: number): void {
  let i = from;
  for (; i + 2 <= n; i += 2) {
    const v0 = v[i]!;
    const w0 = w[i]!;
    const v1 = v[i + 1]!;
    const w1 = w[i + 1]!;
    for (let j = from, at = i * n + j; j < n; j++, at++) {
      const x = w[j]!;
      const y = v[j]!;
      matrix[at]! -= v0 * x + w0 * y;
      matrix[at + n]! -= v1 * x + w1 * y;
    }
  }
  if (i < n) for (let j = from; j < n; j++) matrix[i * n + j]! -= v[i]! * w[j]! + w[i]! * v[j]!;
}

/** Each row z of (count, n) becomes H_0 H_1 ... z: eigenvectors of T become those of M. */
export function reflectRowsInPlace(
  rows: Float64Array,
  count: number,
  { vectors, betas }: Reflections,
  n: number,
): void {
  const whole = count - (count % 4);
  for (let k = n - 2; k >= 0; k--) {
    const beta = betas[k]!;
    if (beta === 0) continue;
    const v = vectors.subarray(k * n, k * n + n);
    for (let r = 0; r < whole; r += 4) reflectFour(rows, r * n, v, beta, k + 1, n);
    for (let r = whole; r < count; r++) {
      let sum = 0;
      for (let i = k + 1, at = r * n + i; i < n; i++, at++) sum += v[i]! * rows[at]!;
      const factor = beta * sum;
      for (let i = k + 1, at = r * n + i; i < n; i++, at++) rows[at]! -= factor * v[i]!;
    }
  }
}

/** Reflect four rows of n entries, starting at `at`, by the entries from..n of v. */
function reflectFour(rows: Float64Array, at: number, v: Float64Array, beta: number, from: number, n: number): void {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let i = from, r0 = at + i, r1 = r0 + n, r2 = r1 + n, r3 = r2 + n; i < n; i++, r0++, r1++, r2++, r3++) {
    const x = v[i]!;
    s0 += x * rows[r0]!;
    s1 += x * rows[r1]!;
    s2 += x * rows[r2]!;
    s3 += x * rows[r3]!;
  }
  s0 *= beta;
  s1 *= beta;
  s2 *= beta;
  s3 *= beta;
  for (let i = from, r0 = at + i, r1 = r0 + n, r2 = r1 + n, r3 = r2 + n; i < n; i++, r0++, r1++, r2++, r3++) {
    const x = v[i]!;
    rows[r0]! -= s0 * x;
    rows[r1]! -= s1 * x;
    rows[r2]! -= s2 * x;
    rows[r3]! -= s3 * x;
  }
}
