import { ofImageModel } from "../../adapter/names/components.ts";
import { maximum } from "../../core/maximum.ts";
import { shellPath } from "../../core/shell-word.ts";
import { chooseMethod } from "../../methods/auto.ts";
import { type LegoRank, legoRank } from "../../plan/lego-rank.ts";
import { isCrowded, type MergePlan } from "../../plan/merge-plan.ts";
import { roomierRank } from "../../report/badly-kept.ts";
import { GGUF_FLAG } from "../../report/fix-command.ts";
import { MEASURED, type Measured } from "../../report/measured.ts";
import type { EnergyByRank } from "./energy-by-rank.ts";

/** A merge that is recommended, and why. */
export interface RecommendedMerge {
  readonly method: string;
  readonly rank: number;
  /** The most of the energy of the adapters' sum that this rank can hold; null if the sum is zero. */
  readonly room: number | null;
  /** One sentence. */
  readonly reason: string;
  readonly basis: readonly Measured[];
  /** To copy into a shell. */
  readonly command: string;
}

/** What to do with a set of adapters. */
export interface Recommendation extends RecommendedMerge {
  readonly scale: 1 | "auto";
  /** One weight per adapter; null for 1 each. */
  readonly weights: readonly number[] | null;
  /** The same at a rank that leaves room for each adapter; null if the recommended one does. */
  readonly roomier: RecommendedMerge | null;
  /** The same for those who want LoRA-LEGO; null for a single adapter, and where it is recommended anyway. */
  readonly lego: RecommendedMerge | null;
}

/** The facts about a set that a recommendation follows from. */
export interface SetFacts {
  /** The adapters' paths as the user wrote them. */
  readonly paths: readonly string[];
  /** Whether each adapter's delta is not zero. */
  readonly acts: readonly boolean[];
  /** Groups of adapters that began with the same A. */
  readonly sharedStart: readonly (readonly number[])[];
  /** The weights that balance the set; null if it needs none. */
  readonly weights: readonly number[] | null;
  /** Of the sum of all deltas. */
  readonly energies: Pick<EnergyByRank, "heldBy">;
}

/**
 * The merge that `--method auto` makes, and the rank for LoRA-LEGO.
 *
 * @param plan of that merge
 */
export function recommend(plan: MergePlan, { paths, acts, sharedStart, weights, energies }: SetFacts): Recommendation {
  const acting = acts.filter(Boolean).length;
  const crowded = isCrowded(plan);
  const { method, scale, reason } = chooseMethod(acting, crowded);
  // Adapters that change nothing are left out.
  const used = (t: number): boolean => acting === 0 || acts[t] === true;
  const weighted = weights === null ? [] : ["--weights", weights.filter((_, t) => used(t)).join(",")];
  // Single files are merged into one, for the program that loads them; those of language models are the files of folders.
  const single = [".safetensors", ".gguf"].find((own) => paths.every((path) => path.endsWith(own))) ?? "";
  const end = single === ".safetensors" && !ofImageModel(plan.modules.map(({ name }) => name)) ? "" : single;
  const reading = paths.some((path) => path.endsWith(".gguf")) ? GGUF_FLAG.words : [];
  const command = (...flags: string[]): string =>
    [
      "lora-lego",
      "merge",
      ...paths.filter((_, t) => used(t)).map(shellPath),
      ...flags,
      ...reading,
      "--out",
      `merged${end}`,
    ].join(" ");
  const units = maximum(plan.modules.map(({ parts }) => parts.reduce((sum, { module }) => sum + module.rank, 0)));
  const roomier = crowded ? null : roomierRank(plan.rank, acting, units);
  const lego = acting < 2 || crowded ? null : legoMerge(plan, { acts, sharedStart });
  return {
    method,
    scale,
    rank: plan.rank,
    room: energies.heldBy(plan.rank),
    weights,
    reason,
    basis: acting < 2 ? [MEASURED.one] : crowded ? [] : [MEASURED.auto, MEASURED.autoPretrained],
    command: command(...weighted),
    roomier:
      roomier === null
        ? null
        : {
            method,
            rank: roomier,
            room: energies.heldBy(roomier),
            reason: `Rank ${plan.rank} for ${acting} adapters may hold little of one of them.`,
            basis: [MEASURED.shortOfRanks],
            command: command(...weighted, "--rank", String(roomier)),
          },
    // LEGO's weights are relative and do not scale deltas.
    lego: lego && {
      method: "lego",
      ...lego,
      room: energies.heldBy(lego.rank),
      command: command("--method", "lego", "--rank", String(lego.rank)),
    },
  };
}

/** Why LEGO's rank follows from a fact, and what was measured. */
const LEGO_BECAUSE: Readonly<Record<LegoRank["because"], Pick<RecommendedMerge, "reason" | "basis">>> = {
  "ranks-differ": {
    reason: "The ranks differ, and their geometric mean is near what did best in what was measured.",
    basis: [MEASURED.ranksDiffer],
  },
  "two-adapters": {
    reason: "Twice the rank keeps every unit of two adapters, and the measured models differ in what is best.",
    basis: [MEASURED.twoAdapters],
  },
  "shared-start": {
    reason: "Most began with the same random A, so LEGO groups their units by number unless it has twice the rank.",
    basis: [MEASURED.sharedStart],
  },
  "starts-apart": {
    reason: "Nothing shows that most began with the same random A, and a larger rank did not help such adapters.",
    basis: [MEASURED.startsApart],
  },
};

function legoMerge(
  { modules }: MergePlan,
  { acts, sharedStart }: Pick<SetFacts, "acts" | "sharedStart">,
): Pick<RecommendedMerge, "rank" | "reason" | "basis"> {
  const acting = acts.filter(Boolean).length;
  const { rank, because } = legoRank(
    modules,
    acts,
    sharedStart.some(({ length }) => 2 * length > acting),
  );
  return { rank, ...LEGO_BECAUSE[because] };
}
