import type { Fix } from "../plan/warning.ts";
import { FIXES } from "./fixes.ts";
import { canHoldEnough, fittingRank, type RankNeeds } from "./rank-rule.ts";

/**
 * The rank to merge at where one can hold too little of the adapters' sum; none where the method writes no larger one.
 *
 * @param rank the largest of a module
 * @param method its id
 */
export function moreRoom(needs: RankNeeds, rank: number, method: string): Fix[] {
  const { rank: fitting } = fittingRank(needs);
  if (canHoldEnough(needs)) return [FIXES.largerRank(fitting, rank)];
  return rank < fitting ? [FIXES.mostRank(fitting, method)] : [];
}
