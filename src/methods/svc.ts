import type { UnitProducts } from "../linalg/combination.ts";
import type { FactorSvd } from "../linalg/factor-svd.ts";
import type { Pool } from "../units/pool.ts";
import { adaptersInOrder } from "./unit-order.ts";

/** |u^T D_t|^2 below this share of |D_t|^2 is rounding error: the task does not act on u. */
const LEAST_SHARE = 1e-12;

/**
 * Singular value calibration (Li et al. 2026, arXiv 2602.05536): the factor of each singular value of a merged delta, so that
 * directions shared by several of the T tasks do not count several times. The factor of direction j is T / sum_t max(1/T, p_t), with
 * p_t = <u_j^T delta, u_j^T D_t> / |u_j^T D_t|^2 (0 if the task does not act on u_j). Computed from inner products alone, in f64, with
 * D_t without its weight; sums are in the adapters' canonical order.
 *
 * @param products products of the merged units that `svd` decomposes
 */
export function svcFactors(pool: Pool, products: UnitProducts, svd: FactorSvd): number[] {
  const adapters = adaptersInOrder(pool).map(({ units }) => ({ units, square: squaredNorm(pool, units) }));
  return svd.sigma.map((sigma, j) => {
    // v_j . a_i and u_j . b_i of every unit i of the pool.
    const onA = combine(svd.v[j]!, products.withPoolA, pool.count);
    const onB = combine(svd.u[j]!, products.withPoolB, pool.count);
    let sum = 0;
    for (const { units, square } of adapters) {
      const own = squaredResponse(pool, units, onB);
      const shared = sigma * units.reduce((total, i) => total + onB[i]! * onA[i]!, 0);
      sum += Math.max(1 / adapters.length, own > LEAST_SHARE * square ? shared / own : 0);
    }
    return adapters.length / sum;
  });
}

/** sum_c coefficients[c] matrix[c, i]. */
function combine(coefficients: Float64Array, matrix: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n);
  for (const [c, factor] of coefficients.entries()) for (let i = 0; i < n; i++) out[i]! += factor * matrix[c * n + i]!;
  return out;
}

/** |u^T D_t|^2 = |sum_i (u . b_i) a_i|^2 over the units of t. */
function squaredResponse({ gramA, count }: Pool, units: readonly number[], onB: Float64Array): number {
  let sum = 0;
  for (const i of units) for (const j of units) sum += onB[i]! * onB[j]! * gramA[i * count + j]!;
  return sum;
}

/** |D_t|^2. */
function squaredNorm({ gramA, gramB, count }: Pool, units: readonly number[]): number {
  let sum = 0;
  for (const i of units) for (const j of units) sum += gramA[i * count + j]! * gramB[i * count + j]!;
  return sum;
}
