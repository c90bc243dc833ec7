import { percent } from "../../core/shown.ts";
import { LEAST_AGREEMENT } from "../../figures/auto-scale.ts";
import type { Purity } from "../../figures/purity.ts";
import type { Warning } from "../../plan/warning.ts";
import { LEAST_ROOM } from "./energy-by-rank.ts";
import type { MergedFigures } from "./merged-figures.ts";

// docs/audit.md says what each limit rests on.
/** If more of the ranks hold only the last hundredth of the energy, the rank is too high. */
const MOST_IDLE = 2 / 3;
/** Clusters below this share of chance's purity join units of different adapters rather than of one. */
const LEAST_PURITY = 0.75;
/** Factors in between change little. */
const LEAST_FACTOR = 3 / 4;
const MOST_FACTOR = 4 / 3;

/** One way in which a merge fails, and whether this one does. */
export interface Signature {
  readonly id:
    | "rank-too-low"
    | "rank-too-high"
    | "mixed-clusters"
    | "scale-too-small"
    | "scale-too-large"
    | "no-direction"
    | "lost-adapter";
  /** null if there was nothing to look at. */
  readonly found: boolean | null;
  /** What was measured, and what it is compared with; the figure is null if there was nothing to look at. */
  readonly figure: number | null;
  readonly limit: number;
  /** The figure in words. */
  readonly text: string;
  /** What to do; null if it was not found. */
  readonly remedy: string | null;
}

/** A merge as its signatures see it. */
export interface SignedMerge {
  /** The merged adapter as commands name it. */
  readonly path: string;
  readonly figures: MergedFigures;
  /** Of all clusters; null if they are not known. */
  readonly purity: Purity | null;
  /** Warnings about lost adapters, each with its remedy. */
  readonly lost: readonly Warning[];
}

/** The failure signatures of a merge, found or not. */
export function signatures(merge: SignedMerge): Signature[] {
  return [
    rankTooLow(merge),
    rankTooHigh(merge),
    mixedClusters(merge),
    ...scale(merge),
    noDirection(merge),
    lostAdapter(merge),
  ];
}

function rankTooLow({ figures: { rank, room, rankForMost } }: SignedMerge): Signature {
  const found = room === null ? null : room < LEAST_ROOM;
  return {
    id: "rank-too-low",
    found,
    figure: room,
    limit: LEAST_ROOM,
    text:
      room === null
        ? "the adapters' sum is zero"
        : `rank ${rank} can hold ${percent(room)} of the sum's energy (least ${percent(LEAST_ROOM)})`,
    remedy: found ? higherRank(rank, rankForMost) : null,
  };
}

/** Where the largest rank would do, some modules have a smaller one, or hold less than they were merged of. */
function higherRank(rank: number, needed: number): string {
  if (needed > rank) return `merge again with --rank ${needed} or more`;
  return `some modules hold less than rank ${needed}: merge again with --rank ${needed}, or keep the merge's recipe.yaml next to it if they were to have less`;
}

function rankTooHigh({ path, figures: { idleRanks } }: SignedMerge): Signature {
  const found = idleRanks > MOST_IDLE;
  return {
    id: "rank-too-high",
    found,
    figure: idleRanks,
    limit: MOST_IDLE,
    text: `${percent(idleRanks)} of the ranks hold the last 1% of energy (most ${percent(MOST_IDLE)})`,
    remedy: found ? `lora-lego resize ${path} --energy sv_fro=0.995 --out DIR` : null,
  };
}

function mixedClusters({ purity, figures: { rank } }: SignedMerge): Signature {
  const share = purity === null || purity.chance === 0 ? null : purity.purity / purity.chance;
  const found = share === null ? null : share < LEAST_PURITY;
  return {
    id: "mixed-clusters",
    found,
    figure: share,
    limit: LEAST_PURITY,
    text:
      share === null
        ? "no clusters are known"
        : `purity ${percent(purity!.purity)}, ${share.toFixed(2)} times chance's (least ${LEAST_PURITY.toFixed(2)})`,
    remedy: found ? `merge again with --rank ${2 * rank}, or by --method auto` : null,
  };
}

function scale({ path, figures: { autoScale } }: SignedMerge): Signature[] {
  const { rule, norm } = autoScale;
  // One adapter keeps its size, and without a direction no factor follows.
  const factor = rule === "no direction" ? null : rule === "one adapter" ? norm : autoScale.factor;
  const signed = (id: "scale-too-small" | "scale-too-large", limit: number): Signature => {
    const found = factor === null ? null : id === "scale-too-small" ? factor > limit : factor < limit;
    const side = id === "scale-too-small" ? "most" : "least";
    return {
      id,
      found,
      figure: factor,
      limit,
      text:
        factor === null
          ? "no factor follows from the adapters"
          : `the adapters ask for factor ${factor} (${side} ${limit.toFixed(2)})`,
      remedy: found ? `lora-lego merge ${path} --method cat --scale ${factor} --out DIR` : null,
    };
  };
  return [signed("scale-too-small", MOST_FACTOR), signed("scale-too-large", LEAST_FACTOR)];
}

function noDirection({ figures: { normRatio, agreement } }: SignedMerge): Signature {
  // The adapters are zero without a norm ratio, and the result alone with one of 0.
  const figure = normRatio === 0 ? 0 : agreement;
  const found = figure === null ? null : figure <= LEAST_AGREEMENT;
  return {
    id: "no-direction",
    found,
    figure,
    limit: LEAST_AGREEMENT,
    text:
      figure === null
        ? "all adapters are zero"
        : `agreement with the adapters ${figure.toFixed(2)} (least ${LEAST_AGREEMENT.toFixed(2)})`,
    remedy: found ? "pass the adapters that it was made of; if these are, merge again with other weights" : null,
  };
}

function lostAdapter({ lost }: SignedMerge): Signature {
  return {
    id: "lost-adapter",
    found: lost.length > 0,
    figure: lost.length,
    limit: 0,
    text: lost.length === 0 ? "none is practically lost" : lost.map(({ text }) => text).join(" "),
    remedy: lost.length === 0 ? null : "merge again with the weights named",
  };
}
