import { maximum } from "../../core/maximum.ts";
import { orderlessSum } from "../../core/sum.ts";

/**
 * The rank at which LEGO merges adapters if none is asked for: their own or, where they differ, their geometric mean, for the module where
 * that is largest. Adapters of ranks 2 to 32 scored most near it, and less at their largest (docs/methods/lego.md).
 *
 * @param modules ranks of the adapters that have each module
 */
export function usualRank(modules: readonly (readonly number[])[]): number {
  return maximum(
    modules.map((ranks) => Math.round(Math.exp(orderlessSum(ranks.map(Math.log)) / Math.max(1, ranks.length)))),
  );
}
