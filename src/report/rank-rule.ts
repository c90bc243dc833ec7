import { maximum } from "../core/maximum.ts";
import type { Purity } from "../figures/purity.ts";
import type { Target } from "../methods/method.ts";
import { mostRanks, type RankedMethod, rankForEach, type ShapedParts } from "../plan/auto-rank.ts";
import { legoRank, type RankedParts } from "../plan/lego-rank.ts";

// Whatever recommends a rank and whatever judges one asks here; docs/audit.md says what the limits rest on.
/** A rank that can hold less of the energy of the adapters' sum is too low. */
export const LEAST_ROOM = 0.9;
/** An adapter of which a result holds less than this, compared with all of them together, is badly kept. */
export const LEAST_KEPT = 0.5;
/** Shares of energy differ by less, when they are added up in another order. */
const ROUNDING = 1e-9;
/** If more of the ranks hold only the last hundredth of the energy, the rank is too high. */
export const MOST_IDLE: number = 2 / 3;

/** What a rank has to hold. */
export interface RankNeeds {
  /** The rank that the method takes by itself, from `usualRank`. */
  readonly usual: number;
  /** The smallest that can hold `LEAST_ROOM` of the energy of the weighted sum; null where that is not known. */
  readonly forEnergy: number | null;
  /** How many adapters change something. */
  readonly acting: number;
  /** The largest that the method can write. */
  readonly most: number;
  /** Whether the method clusters units, so that adapters share directions. */
  readonly clusters: boolean;
}

/** Adapters, as what a rank has to hold follows from them. */
export interface RankedSet {
  readonly modules: readonly ShapedParts[];
  /** Whether each adapter's delta is not zero. */
  readonly acts: readonly boolean[];
  /** Whether most of them began with the same A. */
  readonly alike: boolean;
  readonly forEnergy: RankNeeds["forEnergy"];
}

/** What a rank has to hold of these adapters, merged by a method. */
export function rankNeeds({ modules, acts, alike, forEnergy }: RankedSet, method: RankedMethod): RankNeeds {
  const clusters = method.cut === "clusters";
  return {
    usual: usualRank(clusters, modules, acts, alike),
    forEnergy,
    acting: acts.filter(Boolean).length,
    most: mostRanks(method, modules, acts),
    clusters,
  };
}

/** The rank that a merge was asked for; null where it follows from something else. A method may leave less of it. */
export function askedRank(target: Target | undefined): number | null {
  return target?.kind === "rank" ? target.rank : null;
}

/** A rank to merge at, and what it follows from. */
export interface FittingRank {
  readonly rank: number;
  readonly because: "usual" | "energy" | "room-for-each";
}

/**
 * The rank that a method takes by itself for these adapters: the largest of one, or LEGO's.
 *
 * @param acts whether each input's delta is not zero
 * @param alike whether most of them began with the same A
 */
function usualRank(
  clusters: boolean,
  modules: readonly RankedParts[],
  acts: readonly boolean[],
  alike: boolean,
): number {
  if (clusters && acts.filter(Boolean).length > 1) return legoRank(modules, acts, alike).rank;
  return maximum(
    modules.flatMap(({ parts }) => parts.flatMap(({ input, module }) => (acts[input] ? module.rank : []))),
  );
}

/**
 * The rank to merge at: the usual one, unless it can hold too little of the adapters' sum, or leaves fewer directions than there are
 * adapters. Methods that cluster need no direction for each. Never more than the method can write.
 */
export function fittingRank({ usual, forEnergy, acting, most, clusters }: RankNeeds): FittingRank {
  const own = Math.min(usual, most);
  const held = Math.min(Math.max(usual, forEnergy ?? 0), most);
  const each = clusters ? own : rankForEach(usual, acting, most);
  if (each > held) return { rank: each, because: "room-for-each" };
  return { rank: held, because: held > own ? "energy" : "usual" };
}

/** Whether some rank that the method can write holds `LEAST_ROOM` of the energy of the adapters' sum. */
export function canHoldEnough({ forEnergy, most }: RankNeeds): boolean {
  return (forEnergy ?? 0) <= most;
}

/**
 * Whether a rank can hold too little of the energy of the adapters' sum; the rank that `LEAST_ROOM` takes never does, however it is added up.
 *
 * @param room the share that it can hold
 */
export function isTooLow(room: number): boolean {
  return room < LEAST_ROOM - ROUNDING;
}

/**
 * Whether an adapter is badly kept because the rank leaves it no direction of its own.
 *
 * @param times its share in the result, divided by that of all adapters together
 */
export function isCramped(times: number, rank: number, needs: RankNeeds): boolean {
  return times < LEAST_KEPT && rank < needs.acting && rank < fittingRank(needs).rank;
}

/** Whether a rank is higher than a result needs. @param idle share of the ranks that hold the last hundredth of the energy */
export function isTooHigh(idle: number, rank: number, needs: RankNeeds): boolean {
  return idle > MOST_IDLE && rank > fittingRank(needs).rank;
}

/** Clusters below this share of chance's purity join units of different adapters rather than of one. */
export const LEAST_PURITY = 0.75;

/** Clusters of a merge. */
export interface Grouped {
  /** Of all clusters; null if they are not known. */
  readonly purity: Purity | null;
  /** Whether most adapters began with the same A, and units are grouped as they are stored. */
  readonly alike: boolean;
}

/** The purity of clusters divided by chance's; null where it is not known, or chance has none. */
export function timesChance(purity: Purity | null): number | null {
  return purity === null || purity.chance === 0 ? null : purity.purity / purity.chance;
}

/**
 * Whether clusters mix adapters. Those that are not known do so where adapters began alike and the rank is below the one that then fits;
 * null where nothing says so.
 */
export function isMixed({ purity, alike }: Grouped, rank: number, needs: RankNeeds): boolean | null {
  const times = timesChance(purity);
  if (times !== null) return times < LEAST_PURITY;
  return alike && needs.clusters && rank < fittingRank(needs).rank ? true : null;
}
