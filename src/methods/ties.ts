import { byMagnitude } from "./elementwise/by-magnitude.ts";
import { factorMethod } from "./elementwise/factor-method.ts";
import { elected, mergeFactors } from "./elementwise/merge-factors.ts";
import { CONSENSUS, DENSITY, type TiesOptions } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

/**
 * TIES on the factors, as in PEFT: keep the largest entries of every A_t and B_t, elect a sign for every entry of A and of B, and
 * average the weighted entries that have it.
 */
export const ties: Method<TiesOptions> = factorMethod({
  id: "ties",
  title: "TIES on the factors",
  reference: "Yadav et al. 2023, arXiv 2306.01708; PEFT add_weighted_adapter, combination_type ties",
  parameters: { ...DENSITY, ...CONSENSUS },
  merge: (pool, { density, majority, consensus }) =>
    mergeFactors(pool, byMagnitude(density), elected({ majority, consensus })),
});
