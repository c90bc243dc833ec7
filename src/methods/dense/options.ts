import type { NumberParameter } from "../parameters.ts";

/** The parameter for the density of dense deltas. */
export function deltaDensity(value: number): NumberParameter {
  return {
    type: "number",
    above: 0,
    most: 1,
    default: value,
    description: "share of each delta's entries to keep",
  };
}
