import type { Fix } from "../plan/warning.ts";
import { FIXES } from "./fixes.ts";
import { canHoldEnough, fittingRank, type RankNeeds } from "./rank-rule.ts";

/**
 * The rank to merge at where one can hold too little of the adapters' sum; none where the method writes no larger one, or left less of it
 * already.
 *
 * @param rank the largest of a module
 * @param asked from `askedRank`
 * @param method its id
 */
export function moreRoom(needs: RankNeeds, rank: number, asked: number | null, method: string): Fix[] {
  const { rank: fitting } = fittingRank(needs);
  if (asked !== null && asked >= fitting) return [];
  if (canHoldEnough(needs)) return [FIXES.largerRank(fitting, rank)];
  return rank < fitting ? [FIXES.mostRank(fitting, method)] : [];
}
