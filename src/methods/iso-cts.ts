import { type Core, coreNorm, coreTriplets, polarFactor, truncated } from "../linalg/core.ts";
import { type Matrix, matrix, product, productTransposed, stacked } from "../linalg/matrix.ts";
import { inCoreSpace, weighted, weightedSum } from "./cores.ts";
import { type Method, sumOfRanks } from "./method.ts";

/** Options of Iso-CTS. */
export interface IsoCtsOptions {
  readonly common: number;
}

/**
 * Iso-CTS: the leading directions of the sum of w_t D_t (common ones), then the leading directions of each task's residual
 * D_t - U U^T D_t; all orthogonalised together (polar factors) and given the mean of their singular values.
 */
export const isoCts: Method<IsoCtsOptions> = {
  id: "iso_cts",
  title: "Isotropic merging in common and task-specific subspaces",
  reference: "Marczak et al. 2025, arXiv 2502.04959",
  dependsOn: "delta",
  single: "changes",
  weights: "linear",
  needs: {},
  parameters: {
    common: {
      type: "number",
      above: 0,
      most: 1,
      default: 0.8,
      description: "share of the rank that goes to common directions",
    },
  },
  precise: () => true,
  yields: "combinations",
  cut: "svd",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: sumOfRanks,
  merge: async (pool, { rank, options: { common } }) =>
    inCoreSpace(pool, (tasks) => {
      const total = Math.min(rank, pool.count);
      const shared = Math.max(1, Math.round(common * total));
      const each = Math.floor((total - shared) / tasks.length);
      const sum = truncated(weightedSum(tasks), total - each * tasks.length);
      const own = tasks.map(weighted).map((core) => coreTriplets(without(core, sum.left), each, coreNorm(core)));
      const parts = [sum, ...own];
      const sigma = parts.flatMap((part) => part.sigma);
      const mean = sigma.reduce((all, value) => all + value, 0) / sigma.length;
      return {
        sigma: sigma.map(() => mean),
        left: polarFactor(stacked(parts.map(({ left }) => left))),
        right: polarFactor(stacked(parts.map(({ right }) => right))),
      };
    }),
};

/** D - U U^T D, with the directions U as rows. */
function without({ a, b }: Core, directions: Matrix): Core {
  const common = product(productTransposed(b, directions), directions);
  return {
    a,
    b: matrix(
      b.rows,
      b.columns,
      b.data.map((value, cell) => value - common.data[cell]!),
    ),
  };
}
