import { orderlessSum } from "../../core/sum.ts";
import { type DeltaProducts, normOf } from "../../figures/delta.ts";

/** Below this share of the deltas' squared norms a sum is only rounding error. */
const LEAST_SUM = 1e-12;

/** How each adapter's delta relates to the plain sum S of all. */
export interface SumFigures {
  /** <D_t, S> / |S|^2, which add up to 1. null if S is zero, or adapters were not compared. */
  readonly share: number | null;
  /** Cosine of D_t and S; null if one is zero. */
  readonly cosine: number | null;
}

/** Each adapter's part of the plain sum of all deltas. */
export function sumFigures(products: DeltaProducts): SumFigures[] {
  const count = products.cross.length;
  const withSum = products.cross.map((_, t) => orderlessSum(products.inputs.slice(t * count, (t + 1) * count)));
  const norms = products.cross.map((_, t) => normOf(products, t));
  const square = orderlessSum(withSum);
  if (Number.isNaN(square) || square <= LEAST_SUM * orderlessSum(norms.map((norm) => norm * norm))) {
    return norms.map(() => ({ share: null, cosine: null }));
  }
  return withSum.map((product, t) => ({
    share: product / square,
    cosine: norms[t] === 0 ? null : product / (norms[t]! * Math.sqrt(square)),
  }));
}
