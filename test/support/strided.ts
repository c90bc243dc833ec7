import type { FactorRef, StridedFactor } from "../../src/adapter/adapter.ts";

/** A factor that is one tensor, as most are. */
export function strided(factor: FactorRef): StridedFactor {
  if ("pieces" in factor) throw new Error(`${factor.name} has ${factor.pieces.length} pieces`);
  return factor;
}
