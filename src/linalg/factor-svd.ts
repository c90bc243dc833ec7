import { type GramBasis, gramBasis } from "./gram-basis.ts";
import { smallSvd } from "./small-svd.ts";
import { symmetricEigen } from "./symmetric-eigen.ts";

/** The singular value decomposition of D = sum_i b_i a_i^T = U S V^T, its vectors as combinations of the rows. */
export interface FactorSvd {
  /** Singular values, descending, all above zero. */
  readonly sigma: readonly number[];
  /** v[j]: coefficients over the a_i of the j-th right singular vector (unit length). */
  readonly v: readonly Float64Array[];
  /** u[j]: coefficients over the b_i of the j-th left singular vector. */
  readonly u: readonly Float64Array[];
}

/**
 * Decompose a product of factors through their Gram matrices alone, in f64: with G_A = L_A L_A^T and G_B alike, the core L_B^T L_A has
 * D's singular values. Never touches the rows. Singular values below about 1e-6 of the largest are inaccurate, as Gram matrices square
 * the condition.
 *
 * @param gramA inner products (n, n) of the a_i, finite; gramB likewise
 */
export function factorSvd(gramA: Float64Array, gramB: Float64Array, n: number): FactorSvd {
  const a = gramBasis(gramA, n);
  const b = gramBasis(gramB, n);
  const { sigma, left, right } = smallSvd(coreOfAll(a, b, n), b.size, a.size);
  return {
    sigma: Array.from(sigma),
    v: Array.from(sigma, (_, j) => overRows(a, right.subarray(j * a.size, (j + 1) * a.size), n)),
    u: Array.from(sigma, (_, j) => overRows(b, left.subarray(j * b.size, (j + 1) * b.size), n)),
  };
}

/** L_B^T L_A (b.size, a.size). */
function coreOfAll(a: GramBasis, b: GramBasis, n: number): Float64Array {
  const core = new Float64Array(b.size * a.size);
  for (let p = 0; p < b.size; p++) {
    const row = core.subarray(p * a.size, (p + 1) * a.size);
    for (let i = 0; i < n; i++) {
      const y = b.rooted[i * b.size + p]!;
      if (y === 0) continue;
      for (let q = 0, at = i * a.size; q < a.size; q++, at++) row[q]! += y * a.rooted[at]!;
    }
  }
  return core;
}

/** The coefficients over the rows of a vector given by its coordinates in the basis. */
function overRows({ size, whitened }: GramBasis, coordinates: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0, at = i * size; j < size; j++, at++) sum += whitened[at]! * coordinates[j]!;
    out[i] = sum;
  }
  return out;
}

/** Square roots of the eigenvalues of a Gram matrix (n, n), descending: the singular values of its rows. */
export function gramSpectrum(gram: Float64Array, n: number): number[] {
  return Array.from(symmetricEigen(gram, n).values, (value) => Math.sqrt(Math.max(0, value)));
}
