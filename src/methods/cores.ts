import type { Pool } from "../adapter/pool.ts";
import type { CoreSpace, Matrix, SharedBases } from "../linalg/core.ts";
import { mergeByRule, type RuleOptions } from "./elementwise/rules.ts";
import type { MergedModule } from "./method.ts";
import { adaptersInOrder } from "./unit-order.ts";

/** One adapter's delta of a module as a core, without its weight. */
export interface TaskCore {
  readonly core: Matrix;
  readonly weight: number;
}

/** The algebra of cores; loaded only when a method needs it, as it brings a library. */
export type CoreAlgebra = typeof import("../linalg/core.ts");

/**
 * Merge a module in core space: `merge` gets the adapters' cores in canonical order and gives the result's units. A module without
 * live units comes out empty.
 */
export async function inCoreSpace(
  pool: Pool,
  merge: (tasks: readonly TaskCore[], space: CoreSpace, algebra: CoreAlgebra) => MergedModule["combinations"],
): Promise<MergedModule> {
  if (pool.count === 0) return { combinations: [], rows: null };
  const algebra = await import("../linalg/core.ts");
  const space = algebra.coreSpace(pool.gramA, pool.gramB, pool.count);
  const tasks = adaptersInOrder(pool).map(({ units, weight }) => ({ core: algebra.coreOf(space, units), weight }));
  return { combinations: merge(tasks, space, algebra), rows: null };
}

/** sum of w_t M_t. */
export function weightedCore(tasks: readonly TaskCore[]): Matrix {
  return tasks.map(({ core, weight }) => core.clone().mul(weight)).reduce((sum, core) => sum.add(core));
}

/** Merge cores entry by entry in shared bases: U rule(U^T M_t V) V^T. */
export function mergeCores(tasks: readonly TaskCore[], { left, right }: SharedBases, options: RuleOptions): Matrix {
  const inner = tasks.map(({ core }) => left.transpose().mmul(core).mmul(right));
  const values = inner.map((matrix) => Float64Array.from(matrix.to1DArray()));
  const merged = mergeByRule(
    values,
    tasks.map(({ weight }) => weight),
    options,
  );
  const result = inner[0]!;
  for (const [cell, value] of merged.entries()) {
    result.set(Math.floor(cell / result.columns), cell % result.columns, value);
  }
  return left.mmul(result).mmul(right.transpose());
}
