import { byMagnitude } from "./elementwise/by-magnitude.ts";
import { factorMethod } from "./elementwise/factor-method.ts";
import { mergeFactors, summed } from "./elementwise/merge-factors.ts";
import { DENSITY, type DensityOption } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

/**
 * Keep the largest entries of every A_t and every B_t, int(density n) of the n in each, and sum: A = sum of a_t A_t, B = sum of b_t B_t
 * with PEFT's weights (see `linear`).
 */
export const magnitudePrune: Method<DensityOption> = factorMethod({
  id: "magnitude_prune",
  title: "Magnitude pruning of the factors",
  reference: "PEFT add_weighted_adapter, combination_type magnitude_prune",
  parameters: DENSITY,
  merge: (pool, options) => mergeFactors(pool, byMagnitude(options.density), summed),
});
