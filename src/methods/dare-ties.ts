import { byChance, seededDraws } from "./elementwise/by-chance.ts";
import { factorMethod } from "./elementwise/factor-method.ts";
import { elected, mergeFactors } from "./elementwise/merge-factors.ts";
import { CONSENSUS, type ConsensusOptions, DARE, type DareOptions } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

/** Options of DARE with TIES' consensus. */
export type DareTiesOptions = DareOptions & ConsensusOptions;

/** DARE's random masks on the factors (see `dare_linear`), then TIES' vote and mean (see `ties`), as in PEFT. */
export const dareTies: Method<DareTiesOptions> = factorMethod({
  id: "dare_ties",
  title: "DARE on the factors, with TIES' consensus",
  reference: "Yu et al. 2023, arXiv 2311.03099; PEFT add_weighted_adapter, combination_type dare_ties",
  parameters: { ...DARE, ...CONSENSUS },
  merge: (pool, { density, rescale, seed, majority, consensus }) =>
    mergeFactors(pool, byChance(seededDraws(seed), density, rescale), elected({ majority, consensus })),
});
