import { atMeanNorm, meanDirection } from "./delta-directions.ts";
import { directionMethod } from "./direction-method.ts";
import type { Method } from "./method.ts";

/**
 * The weighted mean of the unit deltas D_t / |D_t|, brought to the weighted mean of the norms. mergekit's step along the tangent at
 * that mean is left out, because it is zero: the weighted unit deltas sum to a multiple of their mean, which has no part across itself.
 */
export const multislerp: Method<Record<string, never>> = directionMethod({
  id: "multislerp",
  title: "Mean direction of the deltas at their mean norm",
  reference: "mergekit, merge_method multislerp",
  factors: (directions) => atMeanNorm(directions, meanDirection(directions)),
});
