import { type DellaOptions, della } from "./della.ts";
import { denseMethod } from "./dense/dense-method.ts";
import { droppedByRank } from "./dense/sparsifiers.ts";
import { weightedSum } from "./elementwise/combine.ts";
import type { Method } from "./method.ts";

/** Options of DELLA without election. */
export type DellaLinearOptions = Pick<DellaOptions, "density" | "epsilon" | "seed">;

const { density, epsilon, seed } = della.parameters;

/**
 * DELLA without election: small entries of a row of D_t are dropped at random more often than large ones, kept entries are divided by
 * their probability of being kept, and the weighted sum is cut to rank k by its singular values.
 */
export const dellaLinear: Method<DellaLinearOptions> = denseMethod<DellaLinearOptions>({
  id: "della_linear",
  title: "DELLA without election (dropping by magnitude, then a sum)",
  reference: "Deep et al. 2024, arXiv 2406.11617; mergekit, merge_method della_linear",
  single: "exact at density 1",
  parameters: { density, epsilon, seed },
  rule: (options) => ({
    prepare: droppedByRank(options.density, options.epsilon, options.seed),
    combine: weightedSum,
  }),
});
