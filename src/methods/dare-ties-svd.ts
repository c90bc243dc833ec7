import type { DareSvdOptions } from "./dare-linear-svd.ts";
import { denseMethod } from "./dense/dense-method.ts";
import { deltaDensity } from "./dense/options.ts";
import { deltaDraws, droppedAtRandom } from "./dense/sparsifiers.ts";
import { votedMean } from "./elementwise/combine.ts";
import { CONSENSUS, type ConsensusOptions, SEED } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

/** Options of DARE on the deltas with TIES' consensus. */
export type DareTiesSvdOptions = DareSvdOptions & ConsensusOptions;

/** DARE's random mask on the dense deltas, then TIES' vote and mean; the result is cut to rank k by its singular values. */
export const dareTiesSvd: Method<DareTiesSvdOptions> = denseMethod<DareTiesSvdOptions>({
  id: "dare_ties_svd",
  title: "DARE, then TIES' vote on the deltas, cut by singular values",
  reference: "Yu et al. 2023, arXiv 2311.03099; PEFT add_weighted_adapter, combination_type dare_ties_svd",
  single: "exact at density 1",
  parameters: { density: deltaDensity(0.5), seed: SEED, ...CONSENSUS },
  rule: ({ density, seed, ...vote }) => ({
    prepare: droppedAtRandom(density, deltaDraws(seed)),
    combine: votedMean(vote),
  }),
});
