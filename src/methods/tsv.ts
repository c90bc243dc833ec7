import { coreTriplets, polarFactor } from "../linalg/core.ts";
import { stacked } from "../linalg/matrix.ts";
import { IN_CORE_SPACE, inCoreSpace, weighted } from "./cores.ts";
import type { Method } from "./method.ts";

/**
 * Task singular vectors (TSV-Merge): keep the leading singular triplets of each w_t D_t, at most floor(min(in, out) / T) and at least one.
 * Decorrelate the tasks by replacing the stacked left vectors, and the stacked right vectors, with their polar factors.
 */
export const tsv: Method<Record<string, never>> = {
  id: "tsv",
  title: "Task singular vectors",
  reference: "Gargiulo et al. 2025, arXiv 2412.00081",
  ...IN_CORE_SPACE,
  single: "exact",
  parameters: {},
  merge: async (pool) =>
    inCoreSpace(pool, (tasks) => {
      const most = Math.max(1, Math.floor(Math.min(pool.in, pool.out) / tasks.length));
      const kept = tasks.map((task) => coreTriplets(weighted(task), most));
      return {
        sigma: kept.flatMap(({ sigma }) => sigma),
        left: polarFactor(stacked(kept.map(({ left }) => left))),
        right: polarFactor(stacked(kept.map(({ right }) => right))),
      };
    }),
};
