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
 * What a result holds of each adapter, counted with its weight, divided by what it holds of all together; null for one that changes nothing.
 * All are null if fewer than two act, or the result holds nothing of them.
 *
 * @param weighted products of the deltas, each times its weight
 */
export function heldBeside(weighted: DeltaProducts): (number | null)[] {
  const squares = weighted.cross.map((_, t) => normOf(weighted, t) ** 2);
  const together = orderlessSum(weighted.cross) / orderlessSum(squares);
  const known = squares.filter((square) => square > 0).length > 1 && together > 0;
  return squares.map((square, t) => (known && square > 0 ? weighted.cross[t]! / square / together : null));
}

/**
 * The adapter that a result holds least of; null if nothing is held of any, or fewer than two act.
 *
 * @param names one for each delta; of several with the same share the first by name counts
 * @param weighted as for `heldBeside`
 */
export function leastKept(names: readonly string[], weighted: DeltaProducts): LeastKept | null {
  const held = heldBeside(weighted).flatMap((times, t) => (times === null ? [] : [{ name: names[t]!, times }]));
  return held.reduce<LeastKept | null>(
    (one, other) =>
      one === null || other.times < one.times || (other.times === one.times && other.name < one.name) ? other : one,
    null,
  );
}

/**
 * Warn of the adapter that too small a rank holds least of, unless a larger one was asked for, of which the method left less.
 *
 * @param method by which it was merged
 * @param ofImages whether for an image model
 */
export function badlyKept(
  least: LeastKept | null,
  { rank, asked }: { readonly rank: number; readonly asked: number | null },
  needs: RankNeeds,
  method: string,
  ofImages: boolean,
): Warning[] {
  if (least === null || !isCramped(least.times, rank, needs)) return [];
  const { rank: larger } = fittingRank(needs);
  if (asked !== null && asked >= larger) return [];
  const text = `The result holds ${percent(least.times)} as much of ${least.name} as of all adapters together: it has rank ${rank} for ${needs.acting} adapters; rank ${larger} leaves room for each.`;
  return [{ id: "badly-kept", text, adapter: least.name, fix: FIXES.roomForEach(larger, method, ofImages) }];
}
