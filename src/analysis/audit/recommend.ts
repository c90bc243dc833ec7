import type { DialectId } from "../../adapter/adapter.ts";
import { ofImageModel } from "../../adapter/names/components.ts";
import { numberedList } from "../../adapter/names/numbered.ts";
import { maximum } from "../../core/maximum.ts";
import { shellPath } from "../../core/shell-word.ts";
import { percent, percentBeside } from "../../core/shown.ts";
import type { EnergyByRank } from "../../figures/energy-by-rank.ts";
import { mostAlike } from "../../figures/shared-start.ts";
import { chooseMethod } from "../../methods/auto.ts";
import type { Method } from "../../methods/method.ts";
import { plannedUnits } from "../../methods/module-memory.ts";
import { methodById } from "../../methods/registry.ts";
import { rankForEach } from "../../plan/auto-rank.ts";
import { isSelection, type LegoRank, legoRank } from "../../plan/lego-rank.ts";
import { isCrowded, type MergePlan } from "../../plan/merge-plan.ts";
import { GGUF_FLAG } from "../../report/fix-command.ts";
import { ignoredHalf } from "../../report/ignored-half.ts";
import { type LostInput, twoDigits } from "../../report/lost-adapters.ts";
import { MEASURED, type Measured } from "../../report/measured.ts";
import { type FittingRank, fittingRank, LEAST_ROOM, rankNeeds } from "../../report/rank-rule.ts";

/** A merge that is recommended, and why. */
export interface RecommendedMerge {
  readonly method: string;
  readonly rank: number;
  /** The most of the energy of the adapters' sum that this rank can hold; null if the sum is zero. */
  readonly room: number | null;
  /** A sentence or two. */
  readonly reason: string;
  readonly basis: readonly Measured[];
  /** Positions of the adapters that it leaves out. */
  readonly leaves: readonly number[];
  /** What becomes of other tensors than factors; null if nothing has to be said of them. */
  readonly extras: "drop" | null;
  /** To copy into a shell. */
  readonly command: string;
}

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

/** The facts about a set that a recommendation follows from. */
export interface SetFacts {
  /** The adapters' paths as the user wrote them. */
  readonly paths: readonly string[];
  readonly formats: readonly DialectId[];
  readonly extras: RecommendedMerge["extras"];
  /** Whether each adapter's delta is not zero, nor nearly that of another one that counts, nor made of others. */
  readonly acts: readonly boolean[];
  /** The adapters that are nearly another one. */
  readonly repeats: readonly { readonly name: string; readonly of: string }[];
  /** The adapters that were made of others of the set. */
  readonly merges: readonly string[];
  /** The adapters that are so small that no weight keeps them. */
  readonly faint: readonly string[];
  /** Groups of adapters that began with the same A. */
  readonly sharedStart: readonly (readonly number[])[];
  /** B's share of the units' squared length; null if it is not known. */
  readonly shareOfB: number | null;
  /** The weights that balance the set; null if it needs none. */
  readonly weights: readonly number[] | null;
  /** The energy of the sum with these weights. */
  readonly energies: Sum;
  /** The adapters that the sum of all loses: their names, and how many times smaller than the others they are. */
  readonly lost: readonly Pick<LostInput, "name" | "times">[];
  /** Whether each adapter is one that the sum of all does not lose, and the energy of the sum of these. */
  readonly kept: { readonly acts: readonly boolean[]; readonly energies: Sum };
}

type Sum = Pick<EnergyByRank, "heldBy" | "rankFor">;

/** Some adapters of a set, and their sum. */
interface Chosen {
  readonly acts: readonly boolean[];
  readonly weights: readonly number[] | null;
  readonly energies: Sum;
}

/**
 * The merge that `--method auto` makes at the rank that fits the adapters, and the one for LoRA-LEGO.
 *
 * @param plan of that merge at its own rank
 */
export function recommend(plan: MergePlan, facts: SetFacts): Recommendation {
  const { acts, repeats, merges, faint, weights, energies, lost, kept } = facts;
  const commandFor = commandsOf(plan, facts);
  const { scale } = chooseMethod(count(acts), isCrowded(plan));
  const merge = (chosen: Chosen): RecommendedMerge => autoMerge(plan, chosen, facts.extras, commandFor);
  const all = merge({ acts, weights, energies });
  const rest = lost.length === 0 ? null : merge({ ...kept, weights: null });
  return {
    ...all,
    reason: [all.reason, ...leftOut(repeats, merges, faint), ...forWhom(lost)].join(" "),
    scale,
    weights,
    without: rest,
    // LEGO's weights are relative and do not scale deltas.
    lego:
      count(kept.acts) < 2 || isCrowded(plan) ? null : legoMerge(plan, { ...kept, weights: null }, facts, commandFor),
  };
}

/** Which adapters a command leaves out, and why. */
function leftOut(repeats: SetFacts["repeats"], merges: SetFacts["merges"], faint: SetFacts["faint"]): string[] {
  return [
    ...repeats.map(({ name, of }) => `${name} is left out: it is nearly ${of}, which would count twice.`),
    ...merges.map((name) => `${name} is left out: it was made of others of these.`),
    ...faint.map((name) => `${name} is left out: beside the others it is nearly zero.`),
  ];
}

/** For whom weights are that bring tiny adapters to the size of the others. */
function forWhom(lost: SetFacts["lost"]): string[] {
  return lost.map(
    ({ name, times }) =>
      `Its weight of ${twoDigits(times)} amplifies the noise of ${name} as much: take it if it is fully trained and meant to be that small, else leave it out.`,
  );
}

/** Formats of adapters that are one file each, wherever it lies. */
const SINGLE_FILES: readonly DialectId[] = ["kohya", "diffusers", "sam", "lora_diffusion"];

function isSafetensors(path: string): boolean {
  return path.endsWith(".safetensors");
}

type CommandFor = (chosen: Chosen, ...flags: string[]) => string;

/** The commands of merges of some adapters of a set, each with an output of its own. */
function commandsOf({ modules }: MergePlan, { paths, formats, extras }: SetFacts): CommandFor {
  // Single files are merged into one, for the program that loads them; those of language models are the files of folders.
  const gguf = formats.every((format) => format === "gguf");
  const single = formats.every((format) => SINGLE_FILES.includes(format)) || paths.every(isSafetensors);
  const ofImages = ofImageModel(modules.map(({ name }) => name));
  let number = 0;
  const end = gguf ? ".gguf" : single && ofImages ? ".safetensors" : "";
  return ({ acts, weights }, ...flags) => {
    const leaves = leftOutOf(acts);
    const used = <T>(values: readonly T[]): T[] => values.filter((_, t) => !leaves.includes(t));
    const weighted = weights === null ? [] : ["--weights", used(weights).join(",")];
    const own = used(paths);
    const reading = own.some((path) => path.endsWith(".gguf")) ? GGUF_FLAG.words : [];
    const words = [
      ...own.map(shellPath),
      ...weighted,
      ...flags,
      ...(extras === null ? [] : ["--extras", extras]),
      ...reading,
      "--out",
      `merged${number++ === 0 ? "" : `-${number}`}${end}`,
    ];
    return `lora-lego merge ${words.join(" ")}`;
  };
}

/** Adapters that change nothing are left out, unless none does. */
function leftOutOf(acts: readonly boolean[]): number[] {
  return acts.includes(true) ? acts.flatMap((own, t) => (own ? [] : t)) : [];
}

function autoMerge(
  plan: MergePlan,
  chosen: Chosen,
  extras: RecommendedMerge["extras"],
  commandFor: CommandFor,
): RecommendedMerge {
  const acting = count(chosen.acts);
  const { method, reason } = chooseMethod(acting, isCrowded(plan));
  const forEnergy = chosen.energies.rankFor(LEAST_ROOM);
  const needs = rankNeeds({ modules: plan.modules, acts: chosen.acts, alike: false, forEnergy }, false);
  // A plan of more units than are compared has the rank that its method takes.
  const crowded = isCrowded(plan);
  const most = crowded ? plan.rank : largestRank(plan, chosen.acts, methodById(method));
  const own = Math.min(crowded ? plan.rank : rankForEach(needs.usual, acting, needs.units), most);
  const fits = crowded ? ({ rank: own, because: "usual" } as const) : fittingRank(needs);
  const rank = Math.min(fits.rank, most);
  const because = rank === Math.min(needs.usual, most) ? "usual" : fits.because;
  return {
    method,
    rank,
    room: chosen.energies.heldBy(rank),
    reason: [reason, ...rankReason(because, needs.usual, acting, chosen.energies)].join(" "),
    basis: acting < 2 ? [MEASURED.one] : isCrowded(plan) ? [] : ofText(plan.modules, RANK_BASIS[because]),
    leaves: leftOutOf(chosen.acts),
    extras,
    command: commandFor(chosen, ...(rank === own ? [] : ["--rank", String(rank)])),
  };
}

/** The largest rank that a method gives a module of some adapters. */
function largestRank({ modules }: MergePlan, acts: readonly boolean[], method: Method): number {
  const ranks = modules.map(({ in: inputs, out, parts }) => {
    const own = parts.flatMap(({ input, module }) => (acts[input] ? module.rank : []));
    return own.length === 0
      ? 0
      : plannedUnits(method, { kind: "rank", rank: Math.min(inputs, out) }, { in: inputs, out, ranks: own });
  });
  return maximum(ranks);
}

/** What was measured about a rank by what it follows from. */
const RANK_BASIS: Readonly<Record<FittingRank["because"], readonly Measured[]>> = {
  usual: [MEASURED.auto, MEASURED.autoPretrained],
  energy: [MEASURED.auto, MEASURED.shortOfEnergy],
  "room-for-each": [MEASURED.roomPretrained, MEASURED.shortOfRanks],
};

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

/** Why a rank follows from a fact, and what was measured. */
interface Because {
  /** @param who began with the same A, as the start of a sentence */
  reason(who: string): string;
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
    reason: (who) =>
      `${who} began with the same random A, so LEGO groups their units by number unless it has twice the rank.`,
    basis: [MEASURED.sharedStart],
  },
  "shared-few-units": {
    reason: (who) =>
      `${who} began with the same random A, so LEGO groups their units by number, but twice the rank would leave most units of some modules alone.`,
    basis: [],
  },
  "starts-apart": {
    reason: (who) => `${who} began with the same random A, and a larger rank did not help adapters that began apart.`,
    basis: [MEASURED.startsApart],
  },
};

function legoMerge(
  { modules }: MergePlan,
  chosen: Chosen,
  { sharedStart, shareOfB, extras }: SetFacts,
  commandFor: CommandFor,
): RecommendedMerge | null {
  const { acts, energies } = chosen;
  const alike = mostAlike(sharedStart, acts);
  const { rank: usual, because: usually } = legoRank(modules, acts, alike);
  const forEnergy = energies.rankFor(LEAST_ROOM);
  const { rank } = fittingRank(rankNeeds({ modules, acts, alike, forEnergy }, true));
  if (isSelection(modules, acts, rank)) return null;
  const all = sharedStart.some((group) => acts.every((own, t) => !own || group.includes(t)));
  const who = alike ? (all ? "All" : "Most") : sharedStart.length > 0 ? "No more than half" : "Nothing shows that most";
  const because: Because =
    rank === usual
      ? LEGO_BECAUSE[usually]
      : {
          reason: () =>
            `Rank ${usual} can hold ${percentBeside(energies.heldBy(usual), LEAST_ROOM)} of the energy of their sum, and less than ${percent(LEAST_ROOM)} is too little.`,
          basis: [MEASURED.shortOfEnergy],
        };
  return {
    method: "lego",
    rank,
    room: energies.heldBy(rank),
    reason: [because.reason(who), ignoredHalf(shareOfB) ?? []].flat().join(" "),
    basis: ofText(modules, because.basis),
    leaves: leftOutOf(acts),
    extras,
    command: commandFor(chosen, "--method", "lego", "--rank", String(rank)),
  };
}

/** What was measured on tasks of text, which says nothing of image models, nor of models whose modules have numbers for names. */
function ofText(modules: MergePlan["modules"], basis: readonly Measured[]): readonly Measured[] {
  const names = modules.map(({ name }) => name);
  return ofImageModel(names) || names.some((name) => numberedList(name) !== null) ? [] : basis;
}

function count(acts: readonly boolean[]): number {
  return acts.filter(Boolean).length;
}
