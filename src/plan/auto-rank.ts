import { maximum } from "../core/maximum.ts";
import type { RankedParts } from "./lego-rank.ts";

/**
 * The rank at which `--method auto` merges adapters if none is asked for, unless it takes a method that clusters: the largest of one, or,
 * if there are more adapters than that, twice it and at least their number, so that each has a direction of its own
 * (docs/methods/auto.md). Never more than a module has units.
 *
 * @param modules the parts of adapters that count
 */
export function autoRank(modules: readonly RankedParts[]): number {
  const ranks = modules.map(({ parts }) => parts.map(({ module }) => module.rank));
  const acting = new Set(modules.flatMap(({ parts }) => parts.map(({ input }) => input))).size;
  return rankForEach(
    maximum(ranks.flat()),
    acting,
    maximum(ranks.map((own) => own.reduce((sum, rank) => sum + rank, 0))),
  );
}

/**
 * @param usual the largest rank of an adapter
 * @param acting how many adapters count
 * @param units those of the largest module
 */
export function rankForEach(usual: number, acting: number, units: number): number {
  return acting <= usual ? usual : Math.min(Math.max(2 * usual, acting), units);
}
