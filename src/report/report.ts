import type { UnitId } from "../adapter/adapter.ts";
import type { ModuleKind } from "../core/module-kind.ts";
import type { AutoScale } from "../figures/auto-scale.ts";
import type { Timings } from "../lanes/clock.ts";
import type { ClusterReport } from "../methods/method.ts";
import type { Warning } from "../plan/warning.ts";

/**
 * A whole number from 0.
 *
 * @asType integer
 * @minimum 0
 */
export type Count = number;

/** One input. */
export interface InputReport {
  readonly name: string;
  /** SHA-256 of the weights (of all shards one after the other), hexadecimal; null if it was not computed. */
  readonly sha256: string | null;
  readonly weight: number;
  readonly baseModel: string | null;
  readonly modules: Count;
  /** Config fields that lora-lego does not know; they were ignored. */
  readonly unknownFields: readonly string[];
}

/** The result for one module. */
export interface ModuleReport {
  /** Dotted path, without base_model.model. */
  readonly name: string;
  readonly kind: ModuleKind;
  readonly in: Count;
  readonly out: Count;
  /** Rank of each input here; null if it lacks the module. */
  readonly inputRanks: readonly (Count | null)[];
  /** Weight of each input here. */
  readonly weights: readonly number[];
  /** Units of the result, before padding. */
  readonly rank: Count;
  /** Units whose delta is zero, left out: [input, unit]. */
  readonly dead: readonly UnitId[];
  /** Norm of the merged delta divided by the mean norm of the inputs' nonzero deltas. */
  readonly normRatio: number | null;
  /** Cosine of the merged delta with each input's; null if either is zero or absent. */
  readonly cosines: readonly (number | null)[];
  /** Squared cosine of the merged delta with the weighted sum of the inputs'. */
  readonly energy: number | null;
  /** Objective of the clustering; null if the method does not cluster. */
  readonly inertia: number | null;
  /** B's share of the squared length of the units clustered; null if the method does not cluster units. */
  readonly shareOfB: number | null;
  /** |R - R'|_F / |R|_F of the dense delta R that was cut to R'; null if the method makes none. */
  readonly residual: number | null;
  readonly clusters: readonly ClusterReport[] | null;
}

/** What a budget came to, in ranks of all modules together, before padding. */
export interface BudgetReport {
  /** As many as the modules may have. */
  readonly total: Count;
  /** As many as the result has. */
  readonly used: Count;
}

/** Figures of the whole adapter. */
export interface TotalsReport {
  readonly modules: Count;
  /** Rank written (the largest, if modules differ). */
  readonly rank: Count;
  readonly dtype: string;
  readonly bytes: Count;
  /** Like a module's, of all modules' deltas together; so are the next two. */
  readonly normRatio: number | null;
  readonly cosines: readonly (number | null)[];
  readonly energy: number | null;
  /** How much of each input's delta D is in the merged delta D': <D', D> / |D|^2, 1 for all of it; null if it is zero. */
  readonly shares: readonly (number | null)[];
  /** The share of the energy of the inputs' weighted sum that the ranks can hold at most; null where the cubes of the modules' numbers of units add up to more than 1e8. */
  readonly room: number | null;
  /** The smallest rank for all modules that can hold 90 % of it; null as `room` is. */
  readonly rankForMost: Count | null;
  /** The sum over the modules. */
  readonly inertia: number | null;
  /** B's mean share of the squared length of the units clustered. */
  readonly shareOfB: number | null;
  /** Like a module's, over all dense deltas together. */
  readonly residual: number | null;
  /** Share of the clusters that hold a single unit. */
  readonly singles: number | null;
  /** Its number of units. */
  readonly largestCluster: Count | null;
}

/**
 * What a merge did; the JSON that `merge --report` writes. Arrays over adapters follow the user's order. docs/report.schema.json is
 * made of this type (tools/report-schema.mjs).
 */
export interface MergeReport {
  readonly version: 1;
  readonly tool: string;
  readonly inputs: readonly InputReport[];
  readonly options: Readonly<Record<string, unknown>>;
  /** Why the method was chosen, if the recipe left it open; null if it names the method. */
  readonly chosen: string | null;
  /** How `scale: auto` found the factor; null for a given factor. */
  readonly autoScale: AutoScale | null;
  /** The ranks that were shared out over the modules; null if the target is not a budget. */
  readonly budget: BudgetReport | null;
  /** What `method: auto` would take instead; null if it chose the method, or would do the same. */
  readonly advice: string | null;
  readonly modules: readonly ModuleReport[];
  readonly totals: TotalsReport;
  /** Tensors that were not written, as "<adapter>: <tensor>", and modules that were left out, as "<module>: <why>". */
  readonly skipped: readonly string[];
  /** Other tensors than LoRA factors, and files, that went into the output. */
  readonly carried: readonly string[];
  readonly warnings: readonly Warning[];
  /** Seconds over all threads, by kind of work. */
  readonly timings: Readonly<Timings>;
}
