import type { AutoScale } from "../../figures/auto-scale.ts";
import { AUTO, chooseMethod } from "../../methods/auto.ts";
import type { Fix, Warning } from "../../plan/warning.ts";
import { type AnyFix, FIXES } from "../../report/fixes.ts";
import { moreRoom } from "../../report/more-room.ts";
import { groupedFixes, withoutLost } from "../../report/next-merges.ts";
import { fittingRank, type RankNeeds } from "../../report/rank-rule.ts";
import { otherFactor } from "../../report/scale-warnings.ts";
import type { MergedFigures } from "./merged-figures.ts";
import { askedFactor, isAtOther, type Signature } from "./signatures.ts";

/** A merge whose signatures are known. */
export interface DiagnosedMerge {
  readonly method: string;
  /** Whether it is for an image model. */
  readonly ofImages: boolean;
  /** Whether all modules of the result have one rank. */
  readonly oneRank: boolean;
  readonly figures: MergedFigures;
  readonly signatures: readonly Signature[];
  readonly lost: readonly Warning[];
  /** The weight that brings what is held of each adapter together; null if none is needed or helps. */
  readonly balance: Fix | null;
  /** Whether adapters are lost that are not tiny, and for which the rank has room. */
  readonly hidden: boolean;
  /** Whether it is what `--method auto` makes. */
  readonly byAuto: boolean;
  /** What `--method auto` would take instead; null if that is what was made, and for one adapter. */
  readonly advice: string | null;
  /** What a rank has to hold by its method. */
  readonly needs: RankNeeds;
  /** From `askedRank`; null where it is not recorded. */
  readonly asked: number | null;
  /** The one that auto has to be told; null if it takes it by itself. */
  readonly fittingAuto: number | null;
  /** The factor that its recipe names; null if none is known. */
  readonly scale: number | null;
  /** Whether the weights are known: no factor follows without them. */
  readonly weighed: boolean;
}

/**
 * What mends a merge. What has to be merged again is merged again before anything else is changed: both the factor that it wants and the
 * ranks that it can do without are other ones then.
 */
export function remedies(merge: DiagnosedMerge): AnyFix[] {
  const { method, figures, signatures, lost, balance, hidden, byAuto, advice, needs, fittingAuto, scale, weighed } =
    merge;
  const found = (id: Signature["id"]): boolean => signatures.some((own) => own.id === id && own.found === true);
  const low = found("rank-too-low");
  const room = low ? moreRoom(needs, figures.rank, merge.asked, method) : [];
  const { rank: fitting } = fittingRank(needs);
  // Asked for once more it would give the same.
  const asked = merge.asked !== null && merge.asked >= fitting;
  const cramped = found("badly-kept") && !low;
  // One adapter has no mixed clusters.
  const mixed = found("mixed-clusters") && advice !== null;
  const factor = weighed ? askedFactor(figures.autoScale) : null;
  const again: Fix[] = [
    ...room,
    ...(mixed && !low && fitting > figures.rank ? [FIXES.lessMixed(fitting)] : []),
    ...(cramped && !mixed && !asked ? [FIXES.roomForEach(fitting, method, merge.ofImages)] : []),
    ...(advice !== null &&
    (mixed || hidden || found("no-direction") || (low && room.length === 0) || (cramped && asked))
      ? [FIXES.auto(advice, fittingAuto)]
      : []),
    ...(balance === null ? [] : [balance]),
    ...lost.flatMap(({ fix, instead }) => [fix ?? [], instead ?? []].flat()),
  ];
  // Whoever chose a factor has seen both, or neither.
  const chosen = scale !== null && scale !== 1;
  // A lost adapter makes the factor uncertain by itself.
  const other = !weighed || chosen || found("lost-adapter") ? null : remote(figures.autoScale);
  const scaled = factor !== null && (found("scale-too-small") || found("scale-too-large"));
  const byItsMethod = scale !== null && method === chooseMethod(needs.acting, false).method;
  // One adapter keeps its size.
  const byFactor = scaled && needs.acting > 1;
  const merges = groupedFixes(
    byAuto ? again.map((fix) => ({ ...fix, method: AUTO })) : again,
    chosen || byFactor || byItsMethod,
  );
  const without = withoutLost(lost).map((fix) => (byFactor && !byAuto ? { ...fix, scale: "auto" as const } : fix));
  // Another merge asks for another factor, and for other ranks.
  if (merges.length > 0 || low) return [...merges, ...without];
  return [
    ...without,
    ...(scaled ? [FIXES.factor(factor, scale)] : []),
    ...(other !== null ? [FIXES.otherFactorOf(other, scale, merge.ofImages)] : []),
    ...(found("rank-too-high") && !scaled && other === null ? [FIXES.idleRanks(merge.oneRank && !merge.ofImages)] : []),
  ];
}

/** The other one of two factors; null if the adapters ask for one. */
function remote(auto: AutoScale): number | null {
  return isAtOther(auto) ? auto.factor : otherFactor(auto);
}
