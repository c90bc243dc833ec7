import { orderlessSum } from "../core/sum.ts";
import type { Pool } from "../units/pool.ts";
import type { StreamedPool } from "../units/streamed-pool.ts";
import { type CutModule, cutModule, cutRows } from "./finish.ts";
import {
  type AfterStep,
  type MergedModule,
  type MergeRequest,
  type Method,
  type ModuleTarget,
  targetRank,
} from "./method.ts";
import { resolveRank } from "./resolve-rank.ts";

/** How every module of a merge is merged, apart from its rank. */
export interface MethodRun {
  readonly method: Method;
  readonly options: unknown;
  /** The step that follows the method, or null. */
  readonly after: AfterStep | null;
  /** Index of the first input whose weight is not 0. */
  readonly firstInput: number;
}

/** How a module is merged. */
export interface ModuleRun extends MethodRun {
  readonly target: ModuleTarget;
}

/** A merged module as the method gave it, and at the rank asked for. */
interface RunResult {
  readonly merged: MergedModule;
  readonly cut: CutModule;
}

/**
 * Whether a pool must be surveyed in f64: for methods that ask for it, for a step after the method, and if its units are decomposed to
 * find the rank or to cut to it. Rows that a method has written are cut by their own inner products.
 */
export function needsPrecision({ method, options, target, after }: ModuleRun): boolean {
  const ofUnits = method.yields === "combinations" || target.kind === "energy";
  const decomposed = method.cut === "svd" && target.kind !== "full" && ofUnits;
  return method.precise(options) || after !== null || decomposed;
}

/**
 * Merge one module by a method, and cut the result to the rank that the target means for it.
 *
 * @param weights one per input, whether it has the module or not
 */
export async function runModule(pool: Pool, run: ModuleRun, weights: readonly number[]): Promise<RunResult> {
  const rank = resolveRank(pool, run.target, run.method.cut);
  const merged = await run.method.merge(pool, requestOf(run, rank, weights));
  return { merged, cut: await cutModule(pool, merged, rank, run.after) };
}

/** Merge a module of more units than have a matrix of all pairs; `refuseAllPairs` has seen its plan. */
export async function runStreamed(pool: StreamedPool, run: ModuleRun, weights: readonly number[]): Promise<RunResult> {
  const rank = targetRank(run.target, pool.count);
  const merged = await run.method.many!.merge(pool, requestOf(run, rank, weights));
  return { merged, cut: await cutRows(pool, merged.rows!, rank) };
}

function requestOf(
  { options, firstInput }: ModuleRun,
  rank: number,
  weights: readonly number[],
): MergeRequest<unknown> {
  return {
    rank,
    options,
    inputs: weights.filter((weight) => weight !== 0).length,
    totalWeight: orderlessSum(weights),
    firstInput,
  };
}
