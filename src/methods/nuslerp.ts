import { directionMethod } from "./direction-method.ts";
import type { Method } from "./method.ts";
import { arcFactors } from "./slerp.ts";

/**
 * Spherical interpolation of two deltas by their weights: `slerp` of the unweighted deltas at t = w_2 / (w_1 + w_2), which sees no order.
 * A delta alone in a module comes back unchanged.
 */
export const nuslerp: Method<Record<string, never>> = directionMethod({
  id: "nuslerp",
  title: "Spherical interpolation of two deltas by weight",
  reference: "Shoemake 1985; mergekit, merge_method nuslerp",
  needs: { adapters: 2 },
  factors: ({ shares, cosines }) => (shares.length === 2 ? arcFactors(shares, Math.acos(cosines[0]![1]!)) : shares),
});
