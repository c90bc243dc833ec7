import type { UnitId } from "../adapter/adapter.ts";
import type { Pool, UnitRows } from "../adapter/pool.ts";
import type { Combination } from "../linalg/combination.ts";

/** zod, handed in by whoever needs a schema: merging itself never loads it. */
export type Zod = typeof import("zod").z;

/** The rank asked for: the same for every module, a share of each module's live units, or all that the method yields. */
export type Target =
  | { readonly kind: "rank"; readonly rank: number }
  | { readonly kind: "share"; readonly share: number }
  | { readonly kind: "full" };

/** What a method gets to know beside the pool. */
export interface MergeRequest<Options> {
  readonly target: Target;
  readonly options: Options;
  /** Number of inputs whose weight is not 0, and the sum of their weights, whether they have the module or not. */
  readonly inputs: number;
  readonly totalWeight: number;
}

/** A cluster of units that became one unit of the result. */
export interface ClusterReport {
  readonly members: readonly UnitId[];
  /** Factor of the parameter reweighting; null where the members cancelled and the unit is zero. */
  readonly reweight: number | null;
}

/** What a method made of one module: units as rows, and the same units as combinations of the pool. */
export interface MergedModule {
  readonly rows: UnitRows;
  readonly combinations: readonly Combination[];
  /** For clustering methods, in the order of the rows. */
  readonly clusters?: readonly ClusterReport[];
  /** Weighted objective of what was clustered, in squared units of the pool (or its metric's). */
  readonly inertia?: number;
  /** B's share of the squared length of what was clustered, 0 to 1. */
  readonly shareOfB?: number;
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
  readonly defaults: Options;
  /** The options' schema: validates them, and is the source of flags, forms and docs. */
  schema(z: Zod): import("zod").ZodType<Options>;
  /** Whether these options need Gram matrices and sums in f64. */
  precise(options: Options): boolean;
  /** The rank asked for when the user names none; `largest` is the largest input rank. */
  defaultTarget(largest: number): Target;
  /** The highest rank that a module of `units` units can come out with. */
  rank(units: number, target: Target): number;
  merge(pool: Pool, request: MergeRequest<Options>): Promise<MergedModule>;
}

/** The k that a target means for a module of n units, at least 1; no limit for "full". */
export function targetRank(target: Target, n: number): number {
  if (target.kind === "rank") return target.rank;
  return target.kind === "share" ? Math.max(1, Math.round(target.share * n)) : Number.POSITIVE_INFINITY;
}
