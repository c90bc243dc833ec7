import { byChance, seededDraws } from "./elementwise/by-chance.ts";
import { factorMethod } from "./elementwise/factor-method.ts";
import { mergeFactors, summed } from "./elementwise/merge-factors.ts";
import { DARE, type DareOptions } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

/**
 * DARE on the factors, as in PEFT: keep each entry of every A_t and B_t with probability density, divide the kept entries by density,
 * and sum with PEFT's weights (see `linear`). Masks depend on the seed and the adapter's canonical place, not on the module or the
 * order of the inputs.
 */
export const dareLinear: Method<DareOptions> = factorMethod({
  id: "dare_linear",
  title: "DARE on the factors, summed",
  reference: "Yu et al. 2023, arXiv 2311.03099; PEFT add_weighted_adapter, combination_type dare_linear",
  parameters: DARE,
  merge: (pool, { density, rescale, seed }) =>
    mergeFactors(pool, byChance(seededDraws(seed), density, rescale), summed),
});
