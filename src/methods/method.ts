import type { UnitId } from "../adapter/adapter.ts";
import type { Combination } from "../linalg/combination.ts";
import type { Pool } from "../units/pool.ts";
import type { StreamedPool } from "../units/streamed-pool.ts";
import type { UnitRows } from "../units/unit-rows.ts";
import type { HalfRows } from "./half-rows.ts";
import type { Parameter, ParameterTable } from "./parameters.ts";

/** The method of a recipe that names none. */
export const DEFAULT_METHOD = "auto";

/** The method that takes any adapters and gives the exact sum of their deltas. */
export const EXACT_SUM = "cat";

/** zod, passed in by callers that need a schema; merging itself never loads it. */
export type Zod = typeof import("zod").z;

/** Rules that choose a rank from singular values; see `resolveRank`. */
export const ENERGY_RULES = ["sv_ratio", "sv_cumulative", "sv_fro"] as const;
/** A rule that chooses a rank. */
export type EnergyRule = (typeof ENERGY_RULES)[number];

/**
 * The rank asked for in a module: a number, a share of its live units, chosen by an energy rule from its singular values, or all units
 * that the method yields.
 */
export type ModuleTarget =
  | { readonly kind: "rank"; readonly rank: number }
  | { readonly kind: "share"; readonly share: number }
  | { readonly kind: "energy"; readonly rule: EnergyRule; readonly threshold: number }
  | { readonly kind: "full" };

/**
 * The rank asked for: for each module alike, or a budget. A budget is as many ranks as this rank would give all modules together, shared
 * out over them (docs/budget.md).
 */
export type Target = ModuleTarget | { readonly kind: "budget"; readonly rank: number };

/** Steps that may follow any method: svc rescales the result's singular values. */
export const AFTER_STEPS = ["svc"] as const;
/** A step after a method. */
export type AfterStep = (typeof AFTER_STEPS)[number];

/** The input of a method besides the pool. */
export interface MergeRequest<Options> {
  /** The rank k asked for, at least 1; Infinity for all units that the method yields. */
  readonly rank: number;
  readonly options: Options;
  /** Number of inputs whose weight is not 0, and the sum of their weights, whether they have the module or not. */
  readonly inputs: number;
  readonly totalWeight: number;
  /** Index of the first input whose weight is not 0, for methods that treat the first adapter differently from the second. */
  readonly firstInput: number;
}

/** A cluster of units that became one unit of the result. */
export interface ClusterReport {
  readonly members: readonly UnitId[];
  /** Factor of the parameter reweighting; null if the members cancelled and the unit is zero. */
  readonly reweight: number | null;
}

/**
 * A method's result for one module: units as combinations of the pool's units, as rows, or both (which then agree). There may be more
 * than k; `cutModule` cuts them.
 */
export interface MergedModule {
  /** null if the units are not combinations of the pool's, for example after elementwise operations. */
  readonly combinations: readonly Combination[] | null;
  /** null if the rows follow from the combinations. */
  readonly rows: UnitRows | null;
  /** @internal In place of both: rows of which only one half is there. */
  readonly halfRows?: HalfRows;
  /** For clustering methods, in the order of the rows. */
  readonly clusters?: readonly ClusterReport[];
  /** Weighted objective of the clustering, in squared units of the pool (or of the metric). */
  readonly inertia?: number;
  /** If all units are multiplied by sqrt|s|, inertia grows with this power of |s|: 1 for squares, 0.5 for sums, 0 for angles. */
  readonly inertiaPower?: number;
  /** B's share of the squared length of the clustered units, 0 to 1. */
  readonly shareOfB?: number;
  /** For methods that cut a dense delta R to R' themselves: |R - R'|_F / |R|_F; 0 if R is zero. */
  readonly residual?: number;
}

/** The sizes that decide how much memory merging one module takes. */
export interface ModuleShape {
  readonly in: number;
  readonly out: number;
  /** Ranks of the adapters that have the module. */
  readonly ranks: readonly number[];
  /** The most units that the module is cut to. */
  readonly rank: number;
}

/** How a method merges modules of more units than have a matrix of all pairs. */
export interface ManyUnits<Options = unknown> {
  /** The choice among the options that needs all pairs all the same, such as "--gauge svd"; null if none does. Default none. */
  refuses?(options: Options): string | null;
  /** Kernel memory that `merge` takes besides the pool and the result, in bytes. Default as `Method.scratchBytes`. */
  scratchBytes?(shape: ModuleShape): number;
  /** As `Method.merge`; gives rows of at most `request.rank` units, or as many as the method merges unit by unit. */
  merge(pool: StreamedPool, request: MergeRequest<Options>): Promise<MergedModule>;
}

/** A merge method: its description, its options, and a pure function on the pool of one module. */
export interface Method<Options = unknown> {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  /** Whether the result depends on the deltas alone, or on how they are split into factors. */
  readonly dependsOn: "delta" | "factors";
  /** How one adapter with weight 1 comes out at its own rank. */
  readonly single: "exact" | "exact at density 1" | "changes";
  /** relative: sample weights; only ratios count, none is negative. linear: factors of the deltas; negative ones subtract. */
  readonly weights: "relative" | "linear";
  /** Whether its delta, before it is cut to a rank, is the sum of w_t D_t, divided by the sum of the weights where it needs that. */
  readonly addsDeltas?: true;
  /**
   * Its requirements: this many adapters; the same rank in every adapter that has a module; a rank to cut to; weights whose sum is not
   * 0, because it divides by the sum.
   */
  readonly needs: {
    readonly adapters?: number;
    readonly equalRanks?: true;
    readonly cut?: true;
    readonly weightSum?: true;
  };
  /** Its options as plain data; checks, defaults, flags, forms and lists are made from it. */
  readonly parameters: ParameterTable<Options>;
  /** Options that have a name (`--preset`). */
  readonly presets?: Readonly<Record<string, Partial<Options>>>;
  /** How it reduces one adapter to a smaller rank, as text; absent if `resize` does not offer it. */
  readonly resizes?: string;
  /** Whether its clusters name units by their stored order in the adapters. Default true. */
  namesStoredUnits?(options: Options): boolean;
  /** Whether weights have an effect even if no units are grouped, when the adapters' ranks differ or do not. Default false. */
  weighsUngrouped?(options: Options, ranksDiffer: boolean): boolean;
  /** Whether these options need Gram matrices and sums in f64. */
  precise(options: Options): boolean;
  /** What `merge` returns: combinations of the pool's units, or rows (elementwise methods). */
  readonly yields: "combinations" | "rows";
  /** How a result of more than k units is reduced to k: by clustering (within the method), or by the SVD of its delta. */
  readonly cut: "clusters" | "svd";
  /** Whether its values decide how many units a module has, so that headers show only the most. Default false. */
  readonly sparse?: true;
  /**
   * The rank asked for when the user names none; `largest` is the largest input rank, `modules` the ranks of the adapters that have each
   * module.
   */
  defaultTarget(largest: number, modules: readonly (readonly number[])[]): ModuleTarget;
  /** The most units that a module can have before `cutModule` cuts it to k; `ranks` are the ranks of its adapters. */
  fullRank(ranks: readonly number[], size: { readonly in: number; readonly out: number }): number;
  /**
   * The units that a module has where every adapter changes it, if fewer than `fullRank`; plans are made with them. Default: `fullRank`.
   */
  plannedRank?(ranks: readonly number[], size: { readonly in: number; readonly out: number }): number;
  /** What makes `plannedRank` smaller than `fullRank`, for the warning of a rank that is reduced to it. */
  readonly plannedBecause?: string;
  /**
   * Kernel memory that `merge` takes besides the pool and the result, in bytes. Default: the memory of its uncut rows, if it yields
   * rows.
   */
  scratchBytes?(shape: ModuleShape): number;
  /** Merge one module: pure, deterministic, and independent of the order of the adapters. */
  merge(pool: Pool, request: MergeRequest<Options>): Promise<MergedModule>;
  /** @internal How it merges modules of more than 4096 units; absent if it needs all their inner products. */
  readonly many?: ManyUnits<Options>;
}

/** A method's default options. */
export function defaultsOf<Options>({ parameters }: Method<Options>): Options {
  const entries = Object.entries<Parameter>(parameters as ParameterTable<unknown>);
  return Object.fromEntries(entries.map(([name, { default: value }]) => [name, value])) as Options;
}

/**
 * `fullRank` of methods that keep all units of all adapters.
 *
 * @example
 * ```ts
 * import { sumOfRanks } from "lora-lego";
 *
 * console.log(sumOfRanks([8, 6])); // 14
 * ```
 */
export function sumOfRanks(ranks: readonly number[]): number {
  return ranks.reduce((sum, rank) => sum + rank, 0);
}

/**
 * `fullRank` of methods that merge the i-th units of all adapters into one unit.
 *
 * @example
 * ```ts
 * import { largestRank } from "lora-lego";
 *
 * console.log(largestRank([8, 6])); // 8
 * ```
 */
export function largestRank(ranks: readonly number[]): number {
  return Math.max(...ranks);
}

/** The most units that a target asks for in a module of n live units: at most n for energy rules, any number for "full". */
export function targetRank(target: ModuleTarget, n: number): number {
  if (target.kind === "rank") return target.rank;
  if (target.kind === "share") return Math.max(1, Math.round(target.share * n));
  return target.kind === "energy" ? n : Number.POSITIVE_INFINITY;
}
