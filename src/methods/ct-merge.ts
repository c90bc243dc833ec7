import { coreTriplets, isRounding, outside, polarFactor, type Triplets, truncated } from "../linalg/core.ts";
import { firstRows, type Matrix, normOf, product, rowsAt, scaledRows, stacked } from "../linalg/matrix.ts";
import { IN_CORE_SPACE, inCoreSpace, type TaskCore, weighted, weightedSum } from "./cores.ts";
import type { Method } from "./method.ts";

/** Options of CT-Merging. */
export interface CtMergeOptions {
  readonly common: number;
}

/** Directions whose support differs by less than this share of the largest are equally common: only rounding orders them. */
const EQUAL = 1e-6;

/**
 * CT-Merging: the left directions that the tasks share most (leading eigenvectors of the mean of their projectors U_t U_t^T), with what
 * the mean of w_t D_t does in them; and each task's left directions outside the common ones, with its right directions. Each group of
 * directions gets the root mean square of its singular values, and polar factors make all of them orthonormal.
 */
export const ctMerge: Method<CtMergeOptions> = {
  id: "ct_merge",
  title: "Consensus directions and task scales (CT-Merging)",
  reference: "Ryum and Kang 2026, arXiv 2607.20561",
  ...IN_CORE_SPACE,
  single: "changes",
  parameters: {
    common: {
      type: "integer",
      least: 0,
      default: 4,
      description: "the most directions of a module that count as common to the adapters",
    },
  },
  merge: async (pool, { rank, options }) =>
    inCoreSpace(pool, (tasks) => {
      const own = tasks.map((task) => coreTriplets(weighted(task))).filter(({ sigma }) => sigma.length > 0);
      const common = consensus(own, options.common);
      const groups = [responseOf(common, tasks, own.length), ...own.map((task) => ownPart(task, common))];
      const left = polarFactor(stacked(groups.map((group) => group.left)));
      const right = polarFactor(stacked(groups.map((group) => group.right)));
      // More directions than the module has units: the common ones come on top.
      return coreTriplets({ a: right, b: scaledRows(left, groups.flatMap(levelled)) }, Math.min(rank, pool.count));
    }),
};

/** The left directions with the most support, at most `most`; fewer where only rounding would say which of them have more. */
function consensus(tasks: readonly Triplets[], most: number): Matrix {
  const { sigma, right } = truncated(stacked(tasks.map(({ left }) => left)), most + 1);
  let count = Math.min(most, sigma.length);
  while (count > 0 && count < sigma.length && sigma[count - 1]! - sigma[count]! <= EQUAL * sigma[0]!) count--;
  return firstRows(right, count);
}

/** The singular triplets of U U^T times the mean delta, for the common directions U as rows. */
function responseOf(common: Matrix, tasks: readonly TaskCore[], count: number): Triplets {
  const { sigma, left, right } = truncated(product(common, weightedSum(tasks)));
  return { sigma: sigma.map((value) => value / count), left: product(left, common), right };
}

/** A task's triplets, with left directions outside the common ones; those that the common ones hold are left out. */
function ownPart({ sigma, left, right }: Triplets, common: Matrix): Triplets {
  const apart = outside(left, common);
  const live = sigma.map((_, i) => i).filter((i) => !isRounding(normOf(rowsAt(apart, [i])), 1));
  return { sigma, left: rowsAt(apart, live), right: rowsAt(right, live) };
}

/** The root mean square of a group's singular values, for each of its directions. */
function levelled({ sigma, left }: Triplets): number[] {
  return Array<number>(left.rows).fill(Math.hypot(...sigma) / Math.sqrt(sigma.length));
}
