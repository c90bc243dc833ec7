import {
  type Core,
  coreNorm,
  coreOf,
  coreSpaceOf,
  ROUNDING,
  type SharedBases,
  type Triplets,
  truncated,
  unitsOf,
} from "../linalg/core.ts";
import {
  type Matrix,
  matrix,
  product,
  productTransposed,
  scaledRows,
  stacked,
  transposedProduct,
} from "../linalg/matrix.ts";
import type { Pool } from "../units/pool.ts";
import type { FilledField } from "./define-method.ts";
import { mergeByRule, type RuleOptions } from "./elementwise/rules.ts";
import { type MergedModule, type Method, sumOfRanks } from "./method.ts";
import { adaptersInOrder } from "./unit-order.ts";

/** What all methods that merge in core space say of themselves. */
export const IN_CORE_SPACE: Pick<Method, FilledField | "dependsOn" | "weights"> = {
  dependsOn: "delta",
  weights: "linear",
  needs: {},
  precise: () => true,
  yields: "combinations",
  cut: "svd",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: sumOfRanks,
};

/** One adapter's delta of a module as a core, without the adapter's weight. */
export interface TaskCore {
  readonly core: Core;
  readonly weight: number;
}

/**
 * Merge a module in core space: `merge` gets the adapters' cores in canonical order and returns triplets.
 * The result of a module without live units is empty.
 */
export function inCoreSpace(pool: Pool, merge: (tasks: readonly TaskCore[]) => Triplets): MergedModule {
  if (pool.count === 0) return { combinations: [], rows: null };
  const space = coreSpaceOf(pool.gramA, pool.gramB, pool.count);
  const tasks = adaptersInOrder(pool).map(({ units, weight }) => ({ core: coreOf(space, units), weight }));
  return { combinations: unitsOf(space, merge(tasks)), rows: null };
}

/** The core of w D. */
export function weighted({ core: { a, b }, weight }: TaskCore): Core {
  return { a, b: scaledRows(b, Array<number>(b.rows).fill(weight)) };
}

/** sum of w_t D_t (b.size, a.size), dense. */
export function weightedSum(tasks: readonly TaskCore[]): Matrix {
  const cores = tasks.map(weighted);
  return transposedProduct(stacked(cores.map(({ b }) => b)), stacked(cores.map(({ a }) => a)));
}

/** A matrix between shared bases: left^T inner right. */
export interface InnerMerge extends SharedBases {
  readonly inner: Matrix;
}

/** Merge cores entry by entry in shared bases: left^T rule(left D_t right^T) right. */
export function mergeCores(tasks: readonly TaskCore[], { left, right }: SharedBases, options: RuleOptions): InnerMerge {
  const values = tasks.map(({ core }) => {
    const { data } = product(productTransposed(left, core.b), productTransposed(core.a, right));
    return withoutRounding(data, coreNorm(core));
  });
  const weights = tasks.map(({ weight }) => weight);
  return { left, right, inner: matrix(left.rows, right.rows, mergeByRule(values, weights, options)) };
}

/** The entries of a matrix of this norm with rounding errors set to zero, so that they neither vote nor count as agreeing. */
export function withoutRounding(entries: Float64Array, norm: number): Float64Array {
  const kept = new Float64Array(entries.length);
  if (!(norm > 0)) return kept;
  for (let at = 0; at < entries.length; at++) if (Math.abs(entries[at]!) > ROUNDING * norm) kept[at] = entries[at]!;
  return kept;
}

/** The leading singular triplets of a merge in shared bases, at most `rank`. */
export function innerTriplets({ left, right, inner }: InnerMerge, rank: number): Triplets {
  const found = truncated(inner, rank);
  return { sigma: found.sigma, left: product(found.left, left), right: product(found.right, right) };
}
