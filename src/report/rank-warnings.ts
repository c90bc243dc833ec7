import { percent, percentBeside } from "../core/shown.ts";
import { clustersPurity } from "../figures/purity.ts";
import type { ClusterReport, Method } from "../methods/method.ts";
import type { RankedMethod } from "../plan/auto-rank.ts";
import type { Warning } from "../plan/warning.ts";
import { badlyKept, type LeastKept } from "./badly-kept.ts";
import { beganAlike } from "./began-alike.ts";
import { FIXES } from "./fixes.ts";
import { moreRoom } from "./more-room.ts";
import {
  canHoldEnough,
  fittingRank,
  isMixed,
  isTooLow,
  LEAST_ROOM,
  type RankedSet,
  type RankNeeds,
  rankNeeds,
} from "./rank-rule.ts";

/** An executed merge, as its rank is judged. */
interface RankedMerge {
  readonly method: Pick<Method, "id"> & RankedMethod;
  /** Whether it is for an image model. */
  readonly ofImages: boolean;
  /** The largest of a module. */
  readonly rank: number;
  /** From `askedRank`. */
  readonly asked: number | null;
  readonly set: RankedSet;
  /** Whether its method clusters units as they are stored. */
  readonly asStored: boolean;
  /** The share of the energy of the weighted sum that its ranks can hold; null where that is not known. */
  readonly room: number | null;
  /** null if an adapter is lost, which says more. */
  readonly least: LeastKept | null;
  readonly modules: readonly { readonly clusters: readonly ClusterReport[] | null }[];
}

/** Warn of a rank that does not fit the adapters, by the rules by which an audit finds it; the first warning says which one does. */
export function rankWarnings(merge: RankedMerge): Warning[] {
  const { method, ofImages, rank, asked, set, asStored, room, least, modules } = merge;
  const needs = rankNeeds(set, method);
  const alike = asStored ? beganAlike(modules, fittingRank(rankNeeds({ ...set, alike: true }, method)).rank) : [];
  const found = [
    ...tooLow(room, { rank, asked }, needs, method.id),
    ...badlyKept(least, { rank, asked }, needs, method.id, ofImages),
    ...alike,
    ...(alike.length === 0 && needs.clusters ? mixed(modules, rank, needs) : []),
  ];
  return found.map(({ fix, ...warning }, n) => (n === 0 && fix !== undefined ? { ...warning, fix } : warning));
}

function tooLow(
  room: number | null,
  { rank, asked }: Pick<RankedMerge, "rank" | "asked">,
  needs: RankNeeds,
  method: string,
): Warning[] {
  if (room === null || !isTooLow(room)) return [];
  const [fix] = moreRoom(needs, rank, asked, method);
  const enough = canHoldEnough(needs) ? "enough" : "more";
  const way = fix === undefined ? `${method} writes no larger one for them` : `rank ${fix.rank} can hold ${enough}`;
  const text = `Rank ${rank} can hold ${percentBeside(room, LEAST_ROOM)} of the energy of the adapters' sum, and less than ${percent(LEAST_ROOM)} is too little; ${way}.`;
  return [{ id: "rank-too-low", text, ...(fix !== undefined && { fix }) }];
}

function mixed(modules: RankedMerge["modules"], rank: number, needs: RankNeeds): Warning[] {
  const { rank: fitting } = fittingRank(needs);
  if (rank >= fitting) return [];
  const purity = clustersPurity(
    modules.map(({ clusters }) => clusters?.map(({ members }) => members.map(([input]) => input)) ?? []),
  );
  if (purity === null || isMixed({ purity, alike: false }, rank, needs) !== true) return [];
  const text = `Clusters join units of different adapters rather than of one: ${percent(purity.purity)} of the units are with their own adapter's, by chance ${percent(purity.chance)}; rank ${fitting} mixes fewer.`;
  return [{ id: "mixed-clusters", text, fix: FIXES.lessMixed(fitting) }];
}
