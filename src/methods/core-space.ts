import { sharedBases } from "../linalg/core.ts";
import { IN_CORE_SPACE, inCoreSpace, innerTriplets, mergeCores } from "./cores.ts";
import { type RuleOptions, ruleParameters } from "./elementwise/rules.ts";
import type { Method } from "./method.ts";

/**
 * Merging in core space: express every delta in shared bases U of the columns and V of the rows of all deltas, M_t = U^T D_t V, and
 * merge these small matrices by an elementwise rule. The bases are the singular vectors of [D_1|...|D_T] and [D_1;...;D_T], so the
 * result depends on the deltas alone; the paper uses the singular vectors of the stacked factors.
 */
export const coreSpace: Method<RuleOptions> = {
  id: "core_space",
  title: "Rules in core space",
  reference: "Panariello et al. 2025, arXiv 2509.17786",
  ...IN_CORE_SPACE,
  single: "exact at density 1",
  parameters: ruleParameters("ties"),
  merge: async (pool, { rank, options }) =>
    inCoreSpace(pool, (tasks) => {
      const bases = sharedBases(tasks.map(({ core }) => core));
      return innerTriplets(mergeCores(tasks, bases, options), rank);
    }),
};
