import { percent } from "../core/shown.ts";
import { orderlessSum } from "../core/sum.ts";
import { type DeltaProducts, normOf } from "../figures/delta.ts";
import type { Warning } from "../plan/warning.ts";
import { FIXES } from "./fixes.ts";

/**
 * An adapter of which a result holds less than this, compared with all of them together, is badly kept. Merges by tsv at a rank below the
 * number of adapters have 0.21 to 0.71, and 0.89 to 0.99 from that number on (docs/audit.md).
 */
export const LEAST_KEPT = 0.5;

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

/**
 * The rank to merge at where a result has fewer ranks than adapters, so that some have no direction of their own; null where it has enough.
 *
 * @param acting how many adapters change something
 * @param most units of the largest module
 */
export function roomierRank(rank: number, acting: number, most: number): number | null {
  const larger = Math.min(Math.max(2 * rank, acting), most);
  return acting > rank && larger > rank ? larger : null;
}

/** Warn of the adapter that too small a rank holds least of. */
export function badlyKept(least: LeastKept | null, rank: number, acting: number, roomier: number | null): Warning[] {
  if (least === null || least.times >= LEAST_KEPT || roomier === null) return [];
  const text = `The result holds ${percent(least.times)} as much of ${least.name} as of all adapters together: it has rank ${rank} for ${acting} adapters; --rank ${roomier} leaves room for each.`;
  return [{ id: "badly-kept", text, adapter: least.name, fix: FIXES.roomForEach(roomier) }];
}
