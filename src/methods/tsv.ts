import { coreTriplets, polar } from "../linalg/core.ts";
import { stacked } from "../linalg/matrix.ts";
import { IN_CORE_SPACE, inCoreSpace, weighted } from "./cores.ts";
import { type Method, sumOfRanks } from "./method.ts";

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
  plannedRank: (ranks, size) => sumOfRanks(ranks.map((rank) => Math.min(rank, tripletsEach(size, ranks.length)))),
  plannedBecause: "of each adapter it takes at most the module's smaller side divided by the number of adapters",
  merge: async (pool, { rank }) =>
    inCoreSpace(pool, (tasks) => {
      const most = tripletsEach(pool, tasks.length);
      const kept = tasks.map((task) => coreTriplets(weighted(task), most));
      const sigma = kept.flatMap((task) => task.sigma);
      const left = polar(stacked(kept.map((task) => task.left)));
      const right = polar(stacked(kept.map((task) => task.right)));
      const places = [...sigma.keys()].sort((one, other) => sigma[other]! - sigma[one]! || one - other);
      // Orthonormal on both sides they are singular vectors, so the cut to the rank needs no further decomposition.
      const chosen = left.orthonormal && right.orthonormal ? places.slice(0, rank) : places;
      return { sigma: chosen.map((place) => sigma[place]!), left: left.at(chosen), right: right.at(chosen) };
    }),
};

/** The most triplets that each of T tasks keeps. */
function tripletsEach({ in: inputs, out }: { readonly in: number; readonly out: number }, tasks: number): number {
  return Math.max(1, Math.floor(Math.min(inputs, out) / tasks));
}
