import type { FactorRef, StridedFactor } from "../../src/adapter/adapter.ts";

/** A factor that is one tensor, as most are. */
export function strided(factor: FactorRef): StridedFactor {
  if ("strides" in factor) return factor;
  throw new Error(`${factor.name} is not one tensor`);
}
