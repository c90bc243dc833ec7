import { atMeanNorm, type DeltaDirections, lengthOf, meanDirection, productsWith } from "./delta-directions.ts";
import { directionMethod } from "./direction-method.ts";
import type { Method } from "./method.ts";

/** Steps shorter than this (an angle) end the search: rounding of cosines moves a point by 1e-8. */
const LEAST_STEP = 1e-7;
/** Seven deltas nearly at right angles take about 15 steps, a hundred about 60. */
const MOST_STEPS = 1000;
/** Points whose angle has a smaller sine are the mean itself, or opposite to it, where no direction leads to them. */
const LEAST_SINE = 1e-6;

/**
 * The Riemannian (Karcher) mean of the unit deltas on the sphere, the point of least weighted sum of squared angles, brought to the
 * weighted mean of the norms. Gradient steps from the normalised mean, in coordinates over the deltas.
 */
export const karcher: Method<Record<string, never>> = directionMethod({
  id: "karcher",
  title: "Riemannian mean of the deltas on the sphere",
  reference: "Karcher 1977; mergekit, merge_method karcher (arXiv 2603.04972)",
  factors: (directions) => atMeanNorm(directions, karcherMean(directions)),
});

/** The mean as coefficients over the unit deltas; null where the search has no start. */
function karcherMean(directions: DeltaDirections): number[] | null {
  let mean = meanDirection(directions);
  for (let step = 0; mean !== null && step < MOST_STEPS; step++) {
    const tangent = tangentOf(directions, mean);
    const angle = lengthOf(directions, tangent);
    if (angle < LEAST_STEP) break;
    const [along, across] = [Math.cos(angle), Math.sin(angle) / angle];
    const moved = mean.map((value, t) => along * value + across * tangent[t]!);
    const length = lengthOf(directions, moved);
    mean = moved.map((value) => value / length);
  }
  return mean;
}

/** The weighted sum of the tangents at a point that lead to each unit delta, as long as the angle to it. */
function tangentOf(directions: DeltaDirections, point: readonly number[]): number[] {
  const cosines = productsWith(directions, point).map((cosine) => Math.max(-1, Math.min(1, cosine)));
  const pulls = cosines.map((cosine, t) => {
    const sine = Math.sqrt(1 - cosine * cosine);
    if (sine < LEAST_SINE) return cosine > 0 ? directions.shares[t]! : 0;
    return (directions.shares[t]! * Math.acos(cosine)) / sine;
  });
  const along = pulls.reduce((sum, pull, t) => sum + pull * cosines[t]!, 0);
  return pulls.map((pull, t) => pull - along * point[t]!);
}
