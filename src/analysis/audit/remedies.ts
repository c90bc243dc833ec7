import { adviceFor } from "../../methods/auto.ts";
import type { Fix, Warning } from "../../plan/warning.ts";
import { type AnyFix, FIXES } from "../../report/fixes.ts";
import { groupedFixes, withoutLost } from "../../report/next-merges.ts";
import { otherFactor } from "../../report/scale-warnings.ts";
import type { MergedFigures } from "./merged-figures.ts";
import { askedFactor, type Signature } from "./signatures.ts";

/** A factor is written with four digits, and the result in fewer. */
const COMPUTED = 0.005;

/** No method of a recipe, so that auto is always another one. */
const UNNAMED = "";

/** A merge whose signatures are known. */
export interface DiagnosedMerge {
  readonly figures: MergedFigures;
  readonly signatures: readonly Signature[];
  readonly lost: readonly Warning[];
  /** How many adapters change something. */
  readonly acting: number;
  /** The rank that fits the adapters, by its method and by the one that auto takes. */
  readonly fitting: number;
  readonly fittingAuto: number;
  /** The factor that its recipe names; null if none is known. */
  readonly scale: number | null;
}

/**
 * What mends a merge. A result whose rank is too low is merged again before anything else is changed: both the factor that it wants and the
 * ranks that it can do without are other ones then.
 */
export function remedies({ figures, signatures, lost, acting, fitting, fittingAuto, scale }: DiagnosedMerge): AnyFix[] {
  const found = (id: Signature["id"]): boolean => signatures.some((own) => own.id === id && own.found === true);
  const low = found("rank-too-low");
  // One adapter has no mixed clusters.
  const mixed = found("mixed-clusters") && acting > 1;
  const factor = askedFactor(figures.autoScale);
  // A factor that was computed before is computed again for another rank.
  const computed = scale !== null && scale !== 1 && factor !== null && Math.abs(factor - 1) < COMPUTED;
  const again: Fix[] = [
    ...(low ? [FIXES.largerRank(fitting, figures.rank)] : []),
    ...(mixed && !low && fitting > figures.rank ? [FIXES.lessMixed(fitting)] : []),
    ...(found("badly-kept") && !mixed && !low ? [FIXES.roomForEach(fitting)] : []),
    ...(mixed ? [FIXES.auto(adviceFor(acting, false, UNNAMED, 1)!, fittingAuto)] : []),
    ...lost.flatMap(({ fix, instead }) => [fix ?? [], instead ?? []].flat()),
  ];
  const other = otherFactor(figures.autoScale);
  const scaled = factor !== null && (found("scale-too-small") || found("scale-too-large"));
  return [
    ...groupedFixes(again).map((fix) =>
      computed && fix.method === undefined ? { ...fix, scale: "auto" as const } : fix,
    ),
    ...withoutLost(lost),
    ...(scaled && !low ? [FIXES.factor(factor, scale)] : []),
    ...(other !== null && !low ? [FIXES.otherFactorOf(other, scale)] : []),
    ...(found("rank-too-high") && !low ? [FIXES.idleRanks()] : []),
  ];
}
