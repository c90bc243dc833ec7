import { denseMethod } from "./dense/dense-method.ts";
import { deltaDensity } from "./dense/options.ts";
import { droppedByRank } from "./dense/sparsifiers.ts";
import { votedMean } from "./elementwise/combine.ts";
import { CONSENSUS, type ConsensusOptions, SEED } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

export interface DellaOptions extends ConsensusOptions {
  readonly density: number;
  readonly epsilon: number;
  readonly seed: number;
}

/**
 * DELLA on the dense deltas: small entries of a row are dropped at random more often than large ones, and kept entries are divided by
 * their probability of being kept. TIES' vote and mean follow. The result is cut to rank k by its singular values.
 */
export const della: Method<DellaOptions> = denseMethod<DellaOptions>({
  id: "della",
  title: "DELLA (dropping by magnitude, then a vote on signs)",
  reference: "Deep et al. 2024, arXiv 2406.11617",
  single: "exact at density 1",
  parameters: {
    density: deltaDensity(0.5),
    epsilon: {
      type: "number",
      least: 0,
      most: 1,
      default: 0.1,
      description: "difference between the probabilities of keeping a row's largest and smallest entry",
    },
    seed: SEED,
    ...CONSENSUS,
  },
  rule: ({ density, epsilon, seed, ...vote }) => ({
    prepare: droppedByRank(density, epsilon, seed),
    combine: votedMean(vote),
  }),
});
