import type { DialectId } from "../../adapter/adapter.ts";
import { ofImageModel } from "../../adapter/names/components.ts";
import { numberedList } from "../../adapter/names/numbered.ts";
import type { EnergyByRank } from "../../figures/energy-by-rank.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import type { LostInput } from "../../report/lost-adapters.ts";
import type { Measured } from "../../report/measured.ts";

/** A merge that is recommended, and why. */
export interface RecommendedMerge {
  readonly method: string;
  readonly rank: number;
  /** The one that its method takes by itself. */
  readonly ownRank: number;
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

/** The facts about a set that a recommendation follows from. */
export interface SetFacts {
  /** The adapters' paths as the user wrote them. */
  readonly paths: readonly string[];
  readonly formats: readonly DialectId[];
  /** A path like this one where nothing is yet; never the same twice. */
  free(path: string): string;
  readonly extras: RecommendedMerge["extras"];
  /** Whether the merge has to be told that the adapters may change different modules. */
  readonly allowPartial: boolean;
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

/** The energy of a sum by its rank. */
export type Sum = Pick<EnergyByRank, "heldBy" | "rankFor">;

/** Some adapters of a set, and their sum. */
export interface Chosen {
  readonly acts: readonly boolean[];
  readonly weights: readonly number[] | null;
  readonly energies: Sum;
}

/** What was measured on tasks of text, which says nothing of image models, nor of models whose modules have numbers for names. */
export function ofText(modules: MergePlan["modules"], basis: readonly Measured[]): readonly Measured[] {
  const names = modules.map(({ name }) => name);
  return ofImageModel(names) || names.some((name) => numberedList(name) !== null) ? [] : basis;
}
