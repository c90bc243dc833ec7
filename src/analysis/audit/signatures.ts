import { decimalsBeside, percent, percentBeside } from "../../core/shown.ts";
import { type AutoScale, LEAST_AGREEMENT } from "../../figures/auto-scale.ts";
import type { Warning } from "../../plan/warning.ts";
import type { LeastKept } from "../../report/badly-kept.ts";
import {
  type Grouped,
  isCramped,
  isMixed,
  isTooHigh,
  isTooLow,
  LEAST_KEPT,
  LEAST_PURITY,
  LEAST_ROOM,
  MOST_IDLE,
  type RankNeeds,
  timesChance,
} from "../../report/rank-rule.ts";
import { otherFactor } from "../../report/scale-warnings.ts";
import type { MergedFigures } from "./merged-figures.ts";

// docs/audit.md says what each limit rests on.
/** Factors in between change little. */
const LEAST_FACTOR = 3 / 4;
const MOST_FACTOR = 4 / 3;
/** A factor is written with four digits, and the result in fewer. */
const COMPUTED = 0.005;

/** One way in which a merge fails, and whether this one does. */
export interface Signature {
  readonly id:
    | "rank-too-low"
    | "rank-too-high"
    | "mixed-clusters"
    | "scale-too-small"
    | "scale-too-large"
    | "no-direction"
    | "lost-adapter"
    | "badly-kept";
  /** null if there was nothing to look at. */
  readonly found: boolean | null;
  /** What was measured, and what it is compared with; the figure is null if there was nothing to look at. */
  readonly figure: number | null;
  readonly limit: number;
  /** The figure in words. */
  readonly text: string;
}

/** A merge as its signatures see it. */
export interface SignedMerge {
  readonly figures: MergedFigures;
  readonly grouped: Grouped;
  /** Warnings about adapters that are lost since they are so small. */
  readonly lost: readonly Warning[];
  /** The other adapters that are lost, whatever their size. */
  readonly hidden: readonly Warning[];
  /** The adapter that the result holds least of; null if fewer than two act. */
  readonly least: LeastKept | null;
  /** What its rank has to hold. */
  readonly needs: RankNeeds;
  /** Whether the weights of the adapters are known: without them nothing says how much of each a result should hold. */
  readonly weighed: boolean;
}

const NOT_WEIGHED = "the weights of the merge are not known";

/** The failure signatures of a merge, found or not. */
export function signatures(merge: SignedMerge): Signature[] {
  return [
    rankTooLow(merge),
    rankTooHigh(merge),
    mixedClusters(merge),
    ...scale(merge),
    noDirection(merge),
    lostAdapter(merge),
    badlyKept(merge),
  ];
}

function rankTooLow({ figures: { rank, room } }: SignedMerge): Signature {
  const found = room === null ? null : isTooLow(room);
  return {
    id: "rank-too-low",
    found,
    figure: room,
    limit: LEAST_ROOM,
    text:
      room === null
        ? "the adapters' sum is zero"
        : `rank ${rank} can hold ${percentBeside(room, LEAST_ROOM)} of the sum's energy (least ${percent(LEAST_ROOM)})`,
  };
}

function rankTooHigh({ figures: { idleRanks, rank }, needs }: SignedMerge): Signature {
  const found = isTooHigh(idleRanks, rank, needs);
  const limit = idleRanks > MOST_IDLE && !found ? "no more than fits" : `most ${percent(MOST_IDLE)}`;
  return {
    id: "rank-too-high",
    found,
    figure: idleRanks,
    limit: MOST_IDLE,
    text: `${percentBeside(idleRanks, MOST_IDLE)} of the ranks hold the last 1% of energy (${limit})`,
  };
}

function mixedClusters({ grouped, figures: { rank }, needs, weighed }: SignedMerge): Signature {
  const share = timesChance(grouped.purity);
  const found = isMixed(grouped, rank, needs);
  const unknown =
    found === true
      ? `began alike, and rank ${rank} groups them by number`
      : weighed && !needs.clusters
        ? "the method makes no clusters"
        : "the clusters are not known";
  return {
    id: "mixed-clusters",
    found,
    figure: share,
    limit: LEAST_PURITY,
    text:
      share === null
        ? unknown
        : `purity ${percent(grouped.purity!.purity)}, ${decimalsBeside(share, LEAST_PURITY, 2)} times chance's (least ${LEAST_PURITY.toFixed(2)})`,
  };
}

function scale({ figures: { autoScale }, weighed }: SignedMerge): Signature[] {
  const factor = weighed ? askedFactor(autoScale) : null;
  const signed = (id: "scale-too-small" | "scale-too-large", limit: number): Signature => {
    const found =
      factor === null
        ? null
        : isAtOther(autoScale)
          ? false
          : id === "scale-too-small"
            ? factor > limit
            : factor < limit;
    const side = id === "scale-too-small" ? "most" : "least";
    return {
      id,
      found,
      figure: factor,
      limit,
      text:
        factor === null
          ? noFactor(autoScale, weighed)
          : isAtOther(autoScale)
            ? `at one of two factors that they may ask for; the other one is ${factor}`
            : `the adapters ask for factor ${factor} (${side} ${limit.toFixed(2)})`,
    };
  };
  return [signed("scale-too-small", MOST_FACTOR), signed("scale-too-large", LEAST_FACTOR)];
}

/** Whether a result has the factor that is computed for it. */
export function isComputed(autoScale: AutoScale): boolean {
  const factor = askedFactor(autoScale);
  return factor !== null && Math.abs(factor - 1) < COMPUTED;
}

/** Whether a result has the other one of two factors that its adapters may ask for. */
export function isAtOther(autoScale: AutoScale): boolean {
  const other = otherFactor(autoScale);
  return other !== null && Math.abs(other - 1) < COMPUTED;
}

function noFactor({ rule }: AutoScale, weighed: boolean): string {
  if (!weighed) return NOT_WEIGHED;
  return rule === "nothing shared" ? "no module has two adapters" : "no factor follows from the adapters";
}

/** The factor that the adapters ask for: one adapter keeps its size, and without a direction or a module of two there is none. */
export function askedFactor({ rule, norm, factor }: AutoScale): number | null {
  if (rule === "no direction" || rule === "nothing shared") return null;
  return rule === "one adapter" ? norm : factor;
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
  };
}

/** Whether an adapter is badly kept where the rank leaves room: how much is held of each is a choice of weights then, neither good nor bad. */
export function isByWeight(times: number, rank: number, needs: RankNeeds): boolean {
  return times < LEAST_KEPT && !isCramped(times, rank, needs);
}

function badlyKept({ figures: { rank }, least, lost, hidden, needs, weighed }: SignedMerge): Signature {
  const found = least === null ? null : isCramped(least.times, rank, needs) && lost.length === 0;
  const isLost = [...lost, ...hidden].some(({ adapter }) => adapter === least?.name);
  const byWeight = found === false && isByWeight(least!.times, rank, needs);
  const limit =
    isLost && !found
      ? "see lost-adapter"
      : byWeight
        ? `below ${LEAST_KEPT.toFixed(2)}, though the rank has room: other weights or more rank hold more`
        : `least ${LEAST_KEPT.toFixed(2)}`;
  return {
    id: "badly-kept",
    found: (isLost && !found) || byWeight ? null : found,
    figure: least?.times ?? null,
    limit: LEAST_KEPT,
    text:
      least === null
        ? weighed
          ? "fewer than two adapters act"
          : NOT_WEIGHED
        : `${decimalsBeside(least.times, LEAST_KEPT, 2)} times as much of ${least.name} as of all (${limit})`,
  };
}

function lostAdapter({ lost, hidden }: SignedMerge): Signature {
  const figure = lost.length + hidden.length;
  return {
    id: "lost-adapter",
    found: figure > 0,
    figure,
    limit: 0,
    text: figure === 0 ? "none is practically lost" : [...lost, ...hidden].map(({ text }) => text).join(" "),
  };
}
