import { coreNorm, coreTriplets, outside, polarFactor, truncated } from "../linalg/core.ts";
import { stacked } from "../linalg/matrix.ts";
import { IN_CORE_SPACE, inCoreSpace, weighted, weightedSum } from "./cores.ts";
import type { Method } from "./method.ts";

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
  ...IN_CORE_SPACE,
  single: "changes",
  parameters: {
    common: {
      type: "number",
      above: 0,
      most: 1,
      default: 0.8,
      description: "share of the rank that goes to common directions",
    },
  },
  merge: async (pool, { rank, options: { common } }) =>
    inCoreSpace(pool, (tasks) => {
      const total = Math.min(rank, pool.count);
      const shared = Math.max(1, Math.round(common * total));
      const each = Math.floor((total - shared) / tasks.length);
      const sum = truncated(weightedSum(tasks), total - each * tasks.length);
      const own = tasks
        .map(weighted)
        .map((core) => coreTriplets({ ...core, b: outside(core.b, sum.left) }, each, coreNorm(core)));
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
