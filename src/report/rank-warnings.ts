import { percent, percentBeside } from "../core/shown.ts";
import { clustersPurity } from "../figures/purity.ts";
import type { ClusterReport } from "../methods/method.ts";
import type { Warning } from "../plan/warning.ts";
import { badlyKept, type LeastKept } from "./badly-kept.ts";
import { beganAlike } from "./began-alike.ts";
import { FIXES } from "./fixes.ts";
import { fittingRank, isMixed, isTooLow, LEAST_ROOM, type RankedSet, type RankNeeds, rankNeeds } from "./rank-rule.ts";

/** An executed merge, as its rank is judged. */
interface RankedMerge {
  readonly method: string;
  /** Whether it is for an image model. */
  readonly ofImages: boolean;
  /** The largest of a module. */
  readonly rank: number;
  readonly set: RankedSet;
  /** Whether its method clusters units, and whether as they are stored. */
  readonly clusters: boolean;
  readonly asStored: boolean;
  /** The share of the energy of the weighted sum that its ranks can hold; null where that is not known. */
  readonly room: number | null;
  /** null if an adapter is lost, which says more. */
  readonly least: LeastKept | null;
  readonly modules: readonly { readonly clusters: readonly ClusterReport[] | null }[];
}

/** Warn of a rank that does not fit the adapters, by the rules by which an audit finds it; the first warning says which one does. */
export function rankWarnings({
  method,
  ofImages,
  rank,
  set,
  clusters,
  asStored,
  room,
  least,
  modules,
}: RankedMerge): Warning[] {
  const needs = rankNeeds(set, clusters);
  const alike = asStored ? beganAlike(modules, fittingRank(rankNeeds({ ...set, alike: true }, clusters)).rank) : [];
  const found = [
    ...tooLow(room, rank, fittingRank(needs).rank),
    ...badlyKept(least, rank, needs, method, ofImages),
    ...alike,
    ...(alike.length === 0 && clusters ? mixed(modules, rank, needs) : []),
  ];
  return found.map(({ fix, ...warning }, n) => (n === 0 && fix !== undefined ? { ...warning, fix } : warning));
}

function tooLow(room: number | null, rank: number, fitting: number): Warning[] {
  if (room === null || !isTooLow(room)) return [];
  const text = `Rank ${rank} can hold ${percentBeside(room, LEAST_ROOM)} of the energy of the adapters' sum, and less than ${percent(LEAST_ROOM)} is too little; --rank ${fitting} can hold enough.`;
  return [{ id: "rank-too-low", text, fix: FIXES.largerRank(fitting, rank) }];
}

function mixed(modules: RankedMerge["modules"], rank: number, needs: RankNeeds): Warning[] {
  const { rank: fitting } = fittingRank(needs);
  if (rank >= fitting) return [];
  const purity = clustersPurity(
    modules.map(({ clusters }) => clusters?.map(({ members }) => members.map(([input]) => input)) ?? []),
  );
  if (purity === null || isMixed({ purity, alike: false }, rank, needs) !== true) return [];
  const text = `Clusters join units of different adapters rather than of one: ${percent(purity.purity)} of the units are with their own adapter's, by chance ${percent(purity.chance)}; --rank ${fitting} mixes fewer.`;
  return [{ id: "mixed-clusters", text, fix: FIXES.lessMixed(fitting) }];
}
