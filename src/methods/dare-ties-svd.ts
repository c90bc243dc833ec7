import { denseMethod, votedMean } from "./dense/dense-method.ts";
import { densitySchema, seedSchema, VOTE, type VoteOptions, voteSchema } from "./dense/options.ts";
import { deltaDraws, droppedAtRandom } from "./dense/sparsifiers.ts";
import type { Method } from "./method.ts";

export interface DareTiesOptions extends VoteOptions {
  readonly density: number;
  readonly seed: number;
}

/** DARE's random mask on the dense deltas, then TIES' vote and mean; the result is cut to rank k by its singular values. */
export const dareTiesSvd: Method<DareTiesOptions> = denseMethod<DareTiesOptions>({
  id: "dare_ties_svd",
  title: "DARE, then TIES' vote on the deltas, cut by singular values",
  reference: "Yu et al. 2023, arXiv 2311.03099; PEFT add_weighted_adapter, combination_type dare_ties_svd",
  single: "exact at density 1",
  defaults: { density: 0.5, seed: 0, ...VOTE },
  schema: (z) => z.strictObject({ density: densitySchema(z, 0.5), seed: seedSchema(z), ...voteSchema(z) }),
  rule: ({ density, seed, ...vote }) => ({
    prepare: droppedAtRandom(density, deltaDraws(seed)),
    combine: votedMean(vote),
  }),
});
