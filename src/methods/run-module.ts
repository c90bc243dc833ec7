import { orderlessSum } from "../core/sum.ts";
import type { Pool } from "../units/pool.ts";
import { type CutModule, cutModule } from "./finish.ts";
import type { AfterStep, MergedModule, Method, ModuleTarget } from "./method.ts";
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

/** Whether a pool must be surveyed in f64: for methods that ask for it, and if the result is decomposed. */
export function needsPrecision({ method, options, target, after }: ModuleRun): boolean {
  const decomposed = after !== null || (method.cut === "svd" && target.kind !== "full");
  return decomposed || method.precise(options);
}

/**
 * Merge one module by a method, and cut the result to the rank that the target means for it.
 *
 * @param weights one per input, whether it has the module or not
 */
export async function runModule(
  pool: Pool,
  { method, options, target, after, firstInput }: ModuleRun,
  weights: readonly number[],
): Promise<{ readonly merged: MergedModule; readonly cut: CutModule }> {
  const rank = resolveRank(pool, target, method.cut);
  const merged = await method.merge(pool, {
    rank,
    options,
    inputs: weights.filter((weight) => weight !== 0).length,
    totalWeight: orderlessSum(weights),
    firstInput,
  });
  return { merged, cut: await cutModule(pool, merged, rank, after) };
}
