import { percent, percentBeside } from "../../core/shown.ts";
import { mostAlike } from "../../figures/shared-start.ts";
import { methodById } from "../../methods/registry.ts";
import { isSelection, type LegoRank, legoRank } from "../../plan/lego-rank.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import { ignoredHalf } from "../../report/ignored-half.ts";
import { AT_TWICE_THE_RANK, MEASURED, type Measured } from "../../report/measured.ts";
import { fittingRank, LEAST_ROOM, rankNeeds } from "../../report/rank-rule.ts";
import { type CommandFor, leftOutOf } from "./recommended-commands.ts";
import { type Chosen, ofText, type RecommendedMerge, type SetFacts } from "./set-facts.ts";

/** Why a rank follows from a fact, and what was measured. */
interface Because {
  /** @param some whether some of them began with the same A, which a finding says */
  reason(some: boolean): string;
  readonly basis: readonly Measured[];
}

const LEGO_BECAUSE: Readonly<Record<LegoRank["because"], Because>> = {
  "ranks-differ": {
    reason: () => "The ranks differ, and their geometric mean is near what did best in what was measured.",
    basis: [MEASURED.ranksDiffer],
  },
  "two-adapters": {
    reason: () => "Twice the rank keeps every unit of two adapters, and the measured models differ in what is best.",
    basis: [MEASURED.twoAdapters],
  },
  "shared-start": {
    reason: () => `Twice the rank lets LEGO group the units of one seed by what they do, which ${AT_TWICE_THE_RANK}.`,
    basis: [MEASURED.sharedStart],
  },
  "shared-few-units": {
    reason: () =>
      "Twice the rank, which lets LEGO group the units of one seed by what they do, would leave most units of some modules alone.",
    basis: [],
  },
  "starts-apart": {
    reason: (some) =>
      `${some ? "No more than half" : "Nothing shows that most"} began with the same random A, and a larger rank did not help adapters that began apart.`,
    basis: [MEASURED.startsApart],
  },
};

/** The merge by LEGO at the rank that fits; null where most of its clusters would hold a single unit. */
export function legoMerge(
  { modules }: MergePlan,
  chosen: Chosen,
  { sharedStart, shareOfB, extras }: SetFacts,
  commandFor: CommandFor,
): RecommendedMerge | null {
  const { acts, energies } = chosen;
  const alike = mostAlike(sharedStart, acts);
  const { rank: usual, because: usually } = legoRank(modules, acts, alike);
  const forEnergy = energies.rankFor(LEAST_ROOM);
  const lego = methodById("lego");
  const { rank } = fittingRank(rankNeeds({ modules, acts, alike, forEnergy }, lego));
  if (isSelection(modules, acts, rank)) return null;
  const because: Because =
    rank === usual
      ? LEGO_BECAUSE[usually]
      : {
          reason: () =>
            `Rank ${usual} can hold ${percentBeside(energies.heldBy(usual), LEAST_ROOM)} of the energy of their sum, and less than ${percent(LEAST_ROOM)} is too little.`,
          basis: [MEASURED.shortOfEnergy],
        };
  return {
    method: lego.id,
    rank,
    ownRank: usual,
    room: energies.heldBy(rank),
    reason: [because.reason(sharedStart.length > 0), ignoredHalf(shareOfB) ?? []].flat().join(" "),
    basis: ofText(modules, because.basis),
    leaves: leftOutOf(acts),
    extras,
    command: commandFor(chosen, lego, "--rank", String(rank)),
  };
}
