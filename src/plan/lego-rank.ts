import { usualRank } from "../methods/lego/usual-rank.ts";

/** A module as its ranks are seen: the adapters that have it, with theirs. */
export interface RankedParts {
  readonly parts: readonly { readonly input: number; readonly module: { readonly rank: number } }[];
}

/** A rank for LEGO, and the fact about the adapters that it follows from. */
export interface LegoRank {
  readonly rank: number;
  readonly because: "ranks-differ" | "two-adapters" | "shared-start" | "shared-few-units" | "starts-apart";
}

/**
 * The rank at which LEGO kept most of its adapters in what was measured (docs/evidence.md).
 *
 * @param acts whether each input's delta is not zero; at least two are not
 * @param alike whether most of them began with the same A
 */
export function legoRank(modules: readonly RankedParts[], acts: readonly boolean[], alike: boolean): LegoRank {
  const ranks = modules
    .map(({ parts }) => parts.flatMap(({ input, module }) => (acts[input] ? module.rank : [])))
    .filter(({ length }) => length > 0);
  const rank = usualRank(ranks);
  if (ranks.some(([first, ...others]) => others.some((other) => other !== first))) {
    return { rank, because: "ranks-differ" };
  }
  if (acts.filter(Boolean).length === 2) return { rank, because: "two-adapters" };
  if (!alike) return { rank, because: "starts-apart" };
  return isSelection(modules, acts, 2 * rank)
    ? { rank, because: "shared-few-units" }
    : { rank: 2 * rank, because: "shared-start" };
}

/** Share of single-unit clusters above which a merge is a selection of units. */
export const MOST_SINGLES = 0.8;

/** Whether any clusters of these modules' units are so many that most hold a single one. @param acts whether each input counts */
export function isSelection(modules: readonly RankedParts[], acts: readonly boolean[], rank: number): boolean {
  const units = pooledUnits(modules, acts);
  const clusters = units.map((own) => Math.min(own, rank));
  const singles = units.reduce((sum, own, m) => sum + Math.max(0, 2 * clusters[m]! - own), 0);
  return singles > MOST_SINGLES * clusters.reduce((sum, own) => sum + own, 0);
}

/** Units of each module. @param acts whether each input counts */
function pooledUnits(modules: readonly RankedParts[], acts: readonly boolean[]): number[] {
  return modules.map(({ parts }) => parts.reduce((sum, { input, module }) => sum + (acts[input] ? module.rank : 0), 0));
}
