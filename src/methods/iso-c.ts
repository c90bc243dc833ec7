import { truncated } from "../linalg/core.ts";
import { firstRows } from "../linalg/matrix.ts";
import { IN_CORE_SPACE, inCoreSpace, weightedSum } from "./cores.ts";
import type { Method } from "./method.ts";

/**
 * Iso-C: the k leading singular directions of the sum of w_t D_t, all with the mean of its nonzero singular values, so that no task's
 * directions outweigh the others.
 */
export const isoC: Method<Record<string, never>> = {
  id: "iso_c",
  title: "Isotropic merging in the common subspace",
  reference: "Marczak et al. 2025, arXiv 2502.04959",
  ...IN_CORE_SPACE,
  single: "changes",
  parameters: {},
  merge: async (pool, { rank }) =>
    inCoreSpace(pool, (tasks) => {
      const { sigma, left, right } = truncated(weightedSum(tasks));
      const mean = sigma.reduce((sum, value) => sum + value, 0) / sigma.length;
      const equal = Array<number>(Math.min(rank, sigma.length)).fill(mean);
      return { sigma: equal, left: firstRows(left, rank), right: firstRows(right, rank) };
    }),
};
