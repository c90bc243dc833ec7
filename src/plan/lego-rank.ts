import { usualRank } from "../methods/lego/usual-rank.ts";

/** A module as its ranks are seen: the adapters that have it, with theirs. */
export interface RankedParts {
  readonly parts: readonly { readonly input: number; readonly module: { readonly rank: number } }[];
}

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
export function legoRank(modules: readonly RankedParts[], acts: readonly boolean[], alike: boolean): LegoRank {
  const ranks = modules
    .map(({ parts }) => parts.flatMap(({ input, module }) => (acts[input] ? module.rank : [])))
    .filter(({ length }) => length > 0);
  const rank = usualRank(ranks);
  if (ranks.some(([first, ...others]) => others.some((other) => other !== first))) {
    return { rank, because: "ranks-differ" };
  }
  if (acts.filter(Boolean).length === 2) return { rank, because: "two-adapters" };
  return alike ? { rank: 2 * rank, because: "shared-start" } : { rank, because: "starts-apart" };
}
