import { denseMethod, votedMean } from "./dense/dense-method.ts";
import { densitySchema, seedSchema, VOTE, type VoteOptions, voteSchema } from "./dense/options.ts";
import { droppedByRank } from "./dense/sparsifiers.ts";
import type { Method } from "./method.ts";

export interface DellaOptions extends VoteOptions {
  readonly density: number;
  readonly epsilon: number;
  readonly seed: number;
}

const DEFAULTS: DellaOptions = { density: 0.5, epsilon: 0.1, seed: 0, ...VOTE };

/**
 * DELLA on the dense deltas: small entries of a row are dropped at random more often than large ones, what is kept is divided by the
 * probability of keeping it; then TIES' vote and mean. The result is cut to rank k by its singular values.
 */
export const della: Method<DellaOptions> = denseMethod<DellaOptions>({
  id: "della",
  title: "DELLA (dropping by magnitude, then a vote on signs)",
  reference: "Deep et al. 2024, arXiv 2406.11617",
  single: "exact at density 1",
  defaults: DEFAULTS,
  schema: (z) =>
    z.strictObject({
      density: densitySchema(z, DEFAULTS.density),
      epsilon: z
        .number()
        .min(0)
        .max(1)
        .default(DEFAULTS.epsilon)
        .describe("how far the probabilities of keeping a row's smallest and largest entry lie apart"),
      seed: seedSchema(z),
      ...voteSchema(z),
    }),
  rule: ({ density, epsilon, seed, ...vote }) => ({
    prepare: droppedByRank(density, epsilon, seed),
    combine: votedMean(vote),
  }),
});
