import { maximum } from "../core/maximum.ts";
import { orderlessSum } from "../core/sum.ts";
import type { PlannedModule } from "./merge-plan.ts";

/** A rank for LEGO, and the fact about the adapters that it follows from. */
export interface LegoRank {
  readonly rank: number;
  readonly because: "ranks-differ" | "two-adapters" | "shared-start" | "starts-apart";
}

/**
 * The rank at which LEGO kept most of its adapters in what was measured (docs/evidence.md).
 *
 * @param acts whether each input's delta is not zero; at least two are not
 * @param alike whether most of them began with the same A
 */
export function legoRank(
  modules: readonly Pick<PlannedModule, "parts">[],
  acts: readonly boolean[],
  alike: boolean,
): LegoRank {
  const parts = modules.flatMap((module) => module.parts).filter(({ input }) => acts[input]);
  const ranks = parts.map(({ module }) => module.rank);
  const rank = maximum(ranks);
  if (ranks.some((other) => other !== rank)) {
    return { rank: Math.round(Math.exp(orderlessSum(ranks.map(Math.log)) / ranks.length)), because: "ranks-differ" };
  }
  if (acts.filter(Boolean).length === 2) return { rank, because: "two-adapters" };
  return alike ? { rank: 2 * rank, because: "shared-start" } : { rank, because: "starts-apart" };
}
