import { listed } from "../../core/listed.ts";
import { percent, percentBeside } from "../../core/shown.ts";
import { chooseMethod } from "../../methods/auto.ts";
import type { Method } from "../../methods/method.ts";
import { methodById } from "../../methods/registry.ts";
import { rankForEach } from "../../plan/auto-rank.ts";
import { isCrowded, type MergePlan } from "../../plan/merge-plan.ts";
import { twoDigits } from "../../report/lost-adapters.ts";
import { MEASURED, type Measured } from "../../report/measured.ts";
import { type FittingRank, fittingRank, LEAST_ROOM, rankNeeds } from "../../report/rank-rule.ts";
import { type CommandFor, commandsOf, leftOutOf } from "./recommended-commands.ts";
import { legoMerge } from "./recommended-lego.ts";
import { type Chosen, ofText, type RecommendedMerge, type SetFacts, type Sum } from "./set-facts.ts";

/** What to do with a set of adapters. */
export interface Recommendation extends RecommendedMerge {
  readonly scale: 1 | "auto";
  /** One weight per adapter; null for 1 each. */
  readonly weights: readonly number[] | null;
  /** The merge without the adapters that only such weights keep, for whom they hardly trained; null if there are none. */
  readonly without: RecommendedMerge | null;
  /** The same for those who want LoRA-LEGO, without such adapters; null for a single adapter, where it is recommended anyway, and at ranks at which most clusters would hold a single unit. */
  readonly lego: RecommendedMerge | null;
}

/**
 * The merge that `--method auto` makes at the rank that fits the adapters, and the one for LoRA-LEGO.
 *
 * @param plan of that merge at its own rank
 */
export function recommend(plan: MergePlan, facts: SetFacts): Recommendation {
  const { acts, repeats, merges, faint, weights, energies, lost, kept } = facts;
  const commandFor = commandsOf(plan, facts);
  const crowded = isCrowded(plan);
  const { scale } = chooseMethod(count(acts), crowded);
  const merge = (chosen: Chosen): RecommendedMerge => autoMerge(plan, chosen, facts.extras, commandFor);
  const all = merge({ acts, weights, energies });
  const rest = lost.length === 0 ? null : merge({ ...kept, weights: null });
  return {
    ...all,
    reason: [all.reason, ...leftOut(repeats, merges, faint), ...forWhom(lost), ...dropped(plan, facts)].join(" "),
    scale,
    weights,
    without: rest,
    // LEGO's weights are relative and do not scale deltas.
    lego: count(kept.acts) < 2 || crowded ? null : legoMerge(plan, { ...kept, weights: null }, facts, commandFor),
  };
}

/** Which adapters a command leaves out, and why. */
function leftOut(repeats: SetFacts["repeats"], merges: SetFacts["merges"], faint: SetFacts["faint"]): string[] {
  return [
    ...(repeats.length > 1
      ? [`${listed(repeats.map(({ name, of }) => `${name} (nearly ${of})`))} are left out: they would count twice.`]
      : repeats.map(({ name, of }) => `${name} is left out: it is nearly ${of}, which would count twice.`)),
    ...merges.map((name) => `${name} is left out: it was made of others of these.`),
    ...faint.map((name) => `${name} is left out: beside the others it is nearly zero.`),
  ];
}

/** What is missing from a merge that leaves out other tensors than factors. */
function dropped({ warnings }: MergePlan, { extras }: SetFacts): string[] {
  return extras === null ? [] : warnings.filter(({ id }) => id === "extras-dropped").map(({ text }) => text);
}

/** For whom weights are that bring tiny adapters to the size of the others. */
function forWhom(lost: SetFacts["lost"]): string[] {
  return lost.map(
    ({ name, times }) =>
      `A weight of ${twoDigits(times)} for ${name} amplifies its noise as much: take it if ${name} is fully trained and meant to be that small, else leave ${name} out.`,
  );
}

function autoMerge(
  plan: MergePlan,
  chosen: Chosen,
  extras: RecommendedMerge["extras"],
  commandFor: CommandFor,
): RecommendedMerge {
  const acting = count(chosen.acts);
  const crowded = isCrowded(plan);
  const { method, reason } = chooseMethod(acting, crowded);
  const forEnergy = chosen.energies.rankFor(LEAST_ROOM);
  const needs = rankNeeds({ modules: plan.modules, acts: chosen.acts, alike: false, forEnergy }, methodById(method));
  // A plan of more units than are compared has the rank that its method takes.
  const own = crowded ? plan.rank : rankForEach(needs.usual, acting, needs.most);
  const { rank, because } = crowded ? ({ rank: own, because: "usual" } as const) : fittingRank(needs);
  return {
    method,
    rank,
    ownRank: own,
    room: chosen.energies.heldBy(rank),
    reason: [
      reason,
      ...cappedReason(methodById(method), rank, needs.usual),
      ...rankReason(because, needs.usual, acting, chosen.energies),
    ].join(" "),
    basis: acting < 2 ? [MEASURED.one] : crowded ? [] : ofText(plan.modules, RANK_BASIS[because]),
    leaves: leftOutOf(chosen.acts),
    extras,
    command: commandFor(chosen, null, ...(rank === own ? [] : ["--rank", String(rank)])),
  };
}

/** What was measured about a rank by what it follows from. */
const RANK_BASIS: Readonly<Record<FittingRank["because"], readonly Measured[]>> = {
  usual: [MEASURED.auto, MEASURED.autoPretrained],
  energy: [MEASURED.auto, MEASURED.shortOfEnergy],
  "room-for-each": [MEASURED.roomPretrained, MEASURED.shortOfRanks],
};

/** Why a merge gets a smaller rank than the largest of an adapter. */
function cappedReason({ id, plannedBecause }: Method, rank: number, usual: number): string[] {
  if (rank >= usual || plannedBecause === undefined) return [];
  return [`Rank ${rank} is the most that ${id} writes for them: ${plannedBecause}.`];
}

/** Why a merge gets another rank than the largest of an adapter. */
function rankReason(because: FittingRank["because"], usual: number, acting: number, energies: Sum): string[] {
  if (because === "usual") return [];
  const largest = `Rank ${usual}, the largest of an adapter, `;
  return because === "energy"
    ? [
        `${largest}can hold ${percentBeside(energies.heldBy(usual), LEAST_ROOM)} of the energy of their sum, and less than ${percent(LEAST_ROOM)} is too little.`,
      ]
    : [`${largest}leaves some of ${acting} adapters without a direction of their own.`];
}

function count(acts: readonly boolean[]): number {
  return acts.filter(Boolean).length;
}
