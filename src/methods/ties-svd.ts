import { denseMethod } from "./dense/dense-method.ts";
import { deltaDensity } from "./dense/options.ts";
import { largestShare } from "./dense/sparsifiers.ts";
import { votedMean } from "./elementwise/combine.ts";
import { CONSENSUS, type TiesOptions } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

/**
 * TIES on the dense deltas: prune each D_t to its int(density n) largest |entries|, elect a sign per entry, and average the tasks that
 * have it. The result is cut to rank k by its singular values.
 */
export const tiesSvd: Method<TiesOptions> = denseMethod<TiesOptions>({
  id: "ties_svd",
  title: "TIES on the deltas, cut by singular values",
  reference: "Yadav et al. 2023, arXiv 2306.01708; PEFT add_weighted_adapter, combination_type ties_svd",
  single: "exact at density 1",
  parameters: { density: deltaDensity(0.5), ...CONSENSUS },
  rule: ({ density, ...vote }) => ({ prepare: largestShare(density), combine: votedMean(vote) }),
});
