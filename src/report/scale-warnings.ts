import type { AutoScale } from "../figures/auto-scale.ts";
import type { Warning } from "../plan/warning.ts";
import { FIXES } from "./fixes.ts";

/** Figures that differ by more than this leave the factor uncertain. */
const MOST_APART = 2;

/** The other way to compute a factor, where it leads to one that is far from the one taken; null where the two agree. */
export function otherFactor({ rule, pull, response }: AutoScale): number | null {
  if (rule !== "pull" || pull === null || response === null) return null;
  return Math.max(pull / response, response / pull) > MOST_APART ? response : null;
}

/** Warnings about a factor that was computed. @param ofImages whether it is for an image model */
export function scaleWarnings(auto: AutoScale, ofImages: boolean): Warning[] {
  if (auto.rule === "no direction") {
    const text =
      "The result goes along with none of the adapters, so no factor follows from them and 1 was taken; set --scale.";
    return [{ id: "scale-unknown", text }];
  }
  const other = otherFactor(auto);
  if (other === null) return [];
  const text = `The factor is uncertain: ${auto.factor} was taken, which the pull on the adapters asks for; their own directions ask for ${other}.`;
  return [{ id: "scale-uncertain", text, fix: FIXES.otherFactor(other, ofImages) }];
}
