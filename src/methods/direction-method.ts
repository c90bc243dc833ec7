import { defineMethod } from "./define-method.ts";
import { type DeltaDirections, deltaDirections, sumOfDeltas } from "./delta-directions.ts";
import type { Method } from "./method.ts";

/** What differs between methods that multiply whole deltas by factors that follow from their norms and angles. */
export interface DirectionMethod extends Pick<Method, "id" | "title" | "reference">, Partial<Pick<Method, "needs">> {
  /** What each delta is multiplied by; for one delta 1. */
  factors(directions: DeltaDirections): readonly number[];
}

/**
 * A method whose result is a sum of the deltas of a module, each times a factor, from the Gram matrices alone. Weights are relative, and
 * adapters whose delta is zero in the module do not take part.
 */
export function directionMethod({ factors, ...own }: DirectionMethod): Method<Record<string, never>> {
  return defineMethod<Record<never, never>>({
    ...own,
    dependsOn: "delta",
    single: "exact",
    weights: "relative",
    precise: () => true,
    defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
    merge(pool) {
      const directions = deltaDirections(pool);
      return sumOfDeltas(directions.adapters, factors(directions));
    },
  });
}
