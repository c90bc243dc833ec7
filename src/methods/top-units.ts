import type { UnitProducts } from "../linalg/combination.ts";
import { type FactorSvd, factorSvd } from "../linalg/factor-svd.ts";

/** The leading singular units of a delta. */
export interface TopUnits {
  /** Their singular values, descending, all above zero. */
  readonly sigma: readonly number[];
  /** Coefficients over the given units' halves of sqrt(sigma_j) v_j and sqrt(sigma_j) u_j. */
  readonly a: Float64Array[];
  readonly b: Float64Array[];
}

/**
 * The k leading singular units of the delta of the given units.
 *
 * @param calibrate returns the factor of each singular value
 */
export function topUnits(
  products: Pick<UnitProducts, "count" | "amongA" | "amongB">,
  k: number,
  calibrate: ((svd: FactorSvd) => number[]) | null = null,
): TopUnits {
  const svd = factorSvd(products.amongA, products.amongB, products.count, k);
  const factors = calibrate?.(svd);
  const sigma = svd.sigma.map((value, j) => value * (factors?.[j] ?? 1));
  const scaled = (vector: Float64Array, j: number): Float64Array => vector.map((x) => x * Math.sqrt(sigma[j]!));
  return {
    sigma,
    a: sigma.map((_, j) => scaled(svd.v[j]!, j)),
    b: sigma.map((_, j) => scaled(svd.u[j]!, j)),
  };
}
