import { percent } from "../core/shown.ts";
import { orderlessSum } from "../core/sum.ts";
import { type DeltaProducts, normOf } from "../figures/delta.ts";
import type { Warning } from "../plan/warning.ts";
import { FIXES } from "./fixes.ts";
import { fittingRank, isCramped, type RankNeeds } from "./rank-rule.ts";

/** The adapter that a result holds least of. */
export interface LeastKept {
  readonly name: string;
  /** Its share in the result, divided by that of all adapters together. */
  readonly times: number;
}

/**
 * The adapter that a result holds least of, each counted with its weight; null if fewer than two act, or the result holds nothing of them.
 *
 * @param names one for each delta; of several with the same share the first by name counts
 * @param weighted products of the deltas, each times its weight
 */
export function leastKept(names: readonly string[], weighted: DeltaProducts): LeastKept | null {
  const squares = weighted.cross.map((_, t) => normOf(weighted, t) ** 2);
  const acting = squares.flatMap((square, t) =>
    square > 0 ? [{ name: names[t]!, share: weighted.cross[t]! / square }] : [],
  );
  const together = orderlessSum(weighted.cross) / orderlessSum(squares);
  if (acting.length < 2 || !(together > 0)) return null;
  const least = acting.reduce((one, other) =>
    other.share < one.share || (other.share === one.share && other.name < one.name) ? other : one,
  );
  return { name: least.name, times: least.share / together };
}

/** Warn of the adapter that too small a rank holds least of. @param method by which it was merged @param ofImages whether for an image model */
export function badlyKept(
  least: LeastKept | null,
  rank: number,
  needs: RankNeeds,
  method: string,
  ofImages: boolean,
): Warning[] {
  if (least === null || !isCramped(least.times, rank, needs)) return [];
  const { rank: larger } = fittingRank(needs);
  const text = `The result holds ${percent(least.times)} as much of ${least.name} as of all adapters together: it has rank ${rank} for ${needs.acting} adapters; rank ${larger} leaves room for each.`;
  return [{ id: "badly-kept", text, adapter: least.name, fix: FIXES.roomForEach(larger, method, ofImages) }];
}
