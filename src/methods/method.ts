import type { UnitId } from "../adapter/adapter.ts";
import type { Combination } from "../linalg/combination.ts";
import type { Pool } from "../units/pool.ts";
import type { UnitRows } from "../units/unit-rows.ts";
import type { Parameter, ParameterTable } from "./parameters.ts";

/** The method of a recipe that names none. */
export const DEFAULT_METHOD = "lego";

/** zod, handed in by whoever needs a schema: merging itself never loads it. */
export type Zod = typeof import("zod").z;

/** Rules that choose a rank from singular values; `resolveRank` says how. */
export const ENERGY_RULES = ["sv_ratio", "sv_cumulative", "sv_fro"] as const;
/** A rule that chooses a rank. */
export type EnergyRule = (typeof ENERGY_RULES)[number];

/**
 * The rank asked for: the same for every module, a share of each module's live units, what an energy rule finds in each module's
 * singular values, or all that the method yields.
 */
export type Target =
  | { readonly kind: "rank"; readonly rank: number }
  | { readonly kind: "share"; readonly share: number }
  | { readonly kind: "energy"; readonly rule: EnergyRule; readonly threshold: number }
  | { readonly kind: "full" };

/** Steps that may follow any method: svc rescales the result's singular values. */
export const AFTER_STEPS = ["svc"] as const;
/** A step after a method. */
export type AfterStep = (typeof AFTER_STEPS)[number];

/** What a method gets to know beside the pool. */
export interface MergeRequest<Options> {
  /** The rank k asked for, at least 1; Infinity for all that the method yields. */
  readonly rank: number;
  readonly options: Options;
  /** Number of inputs whose weight is not 0, and the sum of their weights, whether they have the module or not. */
  readonly inputs: number;
  readonly totalWeight: number;
  /** Index of the first input whose weight is not 0, for methods that tell the first adapter from the second. */
  readonly firstInput: number;
}

/** A cluster of units that became one unit of the result. */
export interface ClusterReport {
  readonly members: readonly UnitId[];
  /** Factor of the parameter reweighting; null where the members cancelled and the unit is zero. */
  readonly reweight: number | null;
}

/**
 * What a method made of one module: the result's units as combinations of the pool's, as rows, or both (they then agree). There may be
 * more than k; `cutModule` cuts them.
 */
export interface MergedModule {
  /** null where the units are no combinations of the pool's, as after elementwise operations. */
  readonly combinations: readonly Combination[] | null;
  /** null where the rows follow from the combinations. */
  readonly rows: UnitRows | null;
  /** For clustering methods, in the order of the rows. */
  readonly clusters?: readonly ClusterReport[];
  /** Weighted objective of what was clustered, in squared units of the pool (or its metric's). */
  readonly inertia?: number;
  /** The power of |s| that the inertia grows with where all units are multiplied by sqrt|s|: 1 for squares, 0.5 for sums, 0 for angles. */
  readonly inertiaPower?: number;
  /** B's share of the squared length of what was clustered, 0 to 1. */
  readonly shareOfB?: number;
  /** For methods that cut a dense delta R themselves: |R - R'|_F / |R|_F of what they give, R'; 0 where R is zero. */
  readonly residual?: number;
}

/** What decides how much memory merging one module takes. */
export interface ModuleShape {
  readonly in: number;
  readonly out: number;
  /** Ranks of the adapters that have the module. */
  readonly ranks: readonly number[];
  /** The most units that the module is cut to. */
  readonly rank: number;
}

/** A merge method: what it says of itself, its options, and a pure function on the pool of one module. */
export interface Method<Options = unknown> {
  readonly id: string;
  readonly title: string;
  readonly reference: string;
  /** Whether the result depends on the deltas alone, or on how they are split into factors. */
  readonly dependsOn: "delta" | "factors";
  /** What one adapter with weight 1 gives at its own rank. */
  readonly single: "exact" | "exact at density 1" | "changes";
  /** relative: sample weights, only their ratios count, none negative. linear: factors of the deltas, negative ones subtract. */
  readonly weights: "relative" | "linear";
  /**
   * What it cannot do without: this many adapters; the same rank in every adapter that has a module; a rank to cut to; weights whose sum
   * is not 0, since it divides by that.
   */
  readonly needs: {
    readonly adapters?: number;
    readonly equalRanks?: true;
    readonly cut?: true;
    readonly weightSum?: true;
  };
  /** Its options, as plain data: what checks, defaults, flags, forms and lists are made of. */
  readonly parameters: ParameterTable<Options>;
  /** Options that have a name (`--preset`). */
  readonly presets?: Readonly<Record<string, Partial<Options>>>;
  /** How it brings one adapter to a smaller rank, in words; absent where `resize` does not offer it. */
  readonly resizes?: string;
  /** Whether its clusters name units as adapters store them, in their order; so where it does not say. */
  namesStoredUnits?(options: Options): boolean;
  /** Whether weights act where ranks differ even if no units are grouped; not where it does not say. */
  weighsRanks?(options: Options): boolean;
  /** Whether these options need Gram matrices and sums in f64. */
  precise(options: Options): boolean;
  /** What `merge` gives: combinations of the pool's units, or rows (elementwise methods). */
  readonly yields: "combinations" | "rows";
  /** How a result of more than k units comes to k: by clustering (the method keeps to k itself), or by the SVD of its delta. */
  readonly cut: "clusters" | "svd";
  /** The rank asked for when the user names none; `largest` is the largest input rank. */
  defaultTarget(largest: number): Target;
  /** The most units that a module comes out with before `cutModule` cuts it to k; `ranks` are those of its adapters. */
  fullRank(ranks: readonly number[], size: { readonly in: number; readonly out: number }): number;
  /**
   * Kernel memory that `merge` takes beside the pool and the result, in bytes. Where a method does not say, it is what its uncut rows
   * take, if it yields rows.
   */
  scratchBytes?(shape: ModuleShape): number;
  /** Merge one module: pure, deterministic, and the same whatever the order of the adapters. */
  merge(pool: Pool, request: MergeRequest<Options>): Promise<MergedModule>;
}

/** A method's options where the user gives none. */
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
 * `fullRank` of methods that make one unit of the i-th units of all adapters.
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

/** The most units that a target asks of a module of n live ones: energy rules at most all n, "full" any number. */
export function targetRank(target: Target, n: number): number {
  if (target.kind === "rank") return target.rank;
  if (target.kind === "share") return Math.max(1, Math.round(target.share * n));
  return target.kind === "energy" ? n : Number.POSITIVE_INFINITY;
}
