import type { DeltaDirections } from "./delta-directions.ts";
import { directionMethod } from "./direction-method.ts";
import type { Method } from "./method.ts";

/**
 * Model Stock: the weighted mean of the deltas times n c / (1 + (n - 1) c), where c is the mean cosine between two of them. That is the
 * point between the base and the mean that is nearest to the centre of the models, if they scatter around it at equal angles.
 */
export const modelStock: Method<Record<string, never>> = directionMethod({
  id: "model_stock",
  title: "Average, shortened by how much the deltas disagree",
  reference: "Jang et al. 2024, arXiv 2403.19522; mergekit, merge_method model_stock",
  factors(directions) {
    const factor = stockFactor(directions);
    return directions.shares.map((share) => share * factor);
  },
});

/**
 * c / (c + (1 - c) sum p_t^2) for shares p_t; n c / (1 + (n - 1) c) for equal ones. Pairs count by the product of their shares. 1 for one
 * delta, 0 where the mean cosine is not above 0.
 */
function stockFactor({ shares, cosines }: DeltaDirections): number {
  const squares = shares.reduce((sum, share) => sum + share * share, 0);
  let [agreement, pairs] = [0, 0];
  for (const [t, row] of cosines.entries()) {
    for (let u = 0; u < t; u++) {
      agreement += shares[t]! * shares[u]! * row[u]!;
      pairs += shares[t]! * shares[u]!;
    }
  }
  if (pairs === 0) return 1;
  const cosine = Math.max(0, agreement / pairs);
  return cosine / (cosine + (1 - cosine) * squares);
}
