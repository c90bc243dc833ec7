import type { AutoScale } from "../figures/auto-scale.ts";
import type { Warning } from "../plan/warning.ts";

/** Figures that differ by more than this leave the factor uncertain. */
const MOST_APART = 2;

/** Warnings about a factor that was computed. */
export function scaleWarnings({ rule, pull, response, factor }: AutoScale): Warning[] {
  if (rule === "no direction") {
    const text = "The adapters work against each other, so no factor follows from them and 1 was taken; set --scale.";
    return [{ id: "scale-unknown", text }];
  }
  if (pull === null || response === null || Math.max(pull / response, response / pull) <= MOST_APART) return [];
  const text = `The factor is uncertain: the pull on the adapters asks for ${pull}, their own directions for ${response}, and ${factor} was taken; if you can measure, try values from ${Math.min(pull, response)} to ${Math.max(pull, response)}.`;
  return [{ id: "scale-uncertain", text }];
}
