import { coreTriplets, polarFactor, type Triplets } from "../linalg/core.ts";
import { rowsAt, scaledRows, stacked } from "../linalg/matrix.ts";
import { IN_CORE_SPACE, inCoreSpace } from "./cores.ts";
import type { Method } from "./method.ts";

/** Options of DO-Merging. */
export interface DoMergingOptions {
  readonly orthogonal: boolean;
}

/** A task's columns shorter than this share of its longest one are rounding errors. */
const LEAST_SHARE = 1e-6;

/** One adapter's weight and its delta. */
interface Task {
  readonly weight: number;
  readonly triplets: Triplets;
}

/**
 * DO-Merging: make the tasks orthogonal to each other, by the polar factors of all their left and of all their right singular vectors.
 * Then merge norms and directions of columns apart: each column of a delta gets the mean length that this column has over the tasks, and
 * the deltas are summed with their weights. Kernel memory besides the pool: the uncut rows.
 */
export const doMerging: Method<DoMergingOptions> = {
  id: "do_merging",
  title: "Decoupled and orthogonal merging (DO-Merging)",
  reference: "Zheng et al. 2025, arXiv 2505.15875",
  ...IN_CORE_SPACE,
  single: "exact",
  parameters: {
    orthogonal: {
      type: "boolean",
      default: true,
      description: "make the adapters' directions orthogonal to each other first",
    },
  },
  yields: "rows",
  async merge(pool, { options }) {
    const tasks: Task[] = [];
    const { combinations } = inCoreSpace(pool, (cores) => {
      const own = cores.map(({ core, weight }) => ({ weight, triplets: coreTriplets(core) }));
      tasks.push(
        ...(options.orthogonal ? orthogonalized(own) : own).filter(({ triplets }) => triplets.sigma.length > 0),
      );
      return {
        sigma: tasks.flatMap(({ triplets }) => triplets.sigma),
        left: stacked(tasks.map(({ triplets }) => triplets.left)),
        right: stacked(tasks.map(({ triplets }) => triplets.right)),
      };
    });
    const rows = await pool.combine(combinations!);
    levelColumns(rows.a, pool.in, tasks);
    return { combinations: null, rows };
  },
};

/** Replace all tasks' left vectors by their polar factor, and all right vectors, and decompose each task again. */
function orthogonalized(tasks: readonly Task[]): Task[] {
  const left = polarFactor(stacked(tasks.map(({ triplets }) => triplets.left)));
  const right = polarFactor(stacked(tasks.map(({ triplets }) => triplets.right)));
  let from = 0;
  return tasks.map(({ weight, triplets: { sigma } }) => {
    const units = sigma.map((_, i) => from + i);
    from += sigma.length;
    const core = { a: rowsAt(right, units), b: scaledRows(rowsAt(left, units), sigma) };
    return { weight, triplets: coreTriplets(core) };
  });
}

/**
 * Give each task's columns the mean length over the tasks, times the task's weight, by changing the units' a-halves.
 *
 * @param a sqrt(sigma_i) v_i of all tasks' triplets, (units, columns)
 */
function levelColumns(a: Float32Array, columns: number, tasks: readonly Task[]): void {
  let from = 0;
  const parts = tasks.map(({ weight, triplets: { sigma } }) => {
    const rows = sigma.map((value, i) => ({ value, row: a.subarray((from + i) * columns, (from + i + 1) * columns) }));
    from += sigma.length;
    return { weight, rows, lengths: columnLengths(rows, columns) };
  });
  for (const { weight, rows, lengths } of parts) {
    const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
    const factors = lengths.map((length, j) => {
      if (!(length > LEAST_SHARE * longest)) return 0;
      return (weight * parts.reduce((sum, part) => sum + part.lengths[j]!, 0)) / (parts.length * length);
    });
    for (const { row } of rows) for (let j = 0; j < columns; j++) row[j]! *= factors[j]!;
  }
}

/** |D e_j| of every column j, from rows sqrt(sigma_i) v_i: the left vectors are orthonormal. */
function columnLengths(
  rows: readonly { readonly value: number; readonly row: Float32Array }[],
  columns: number,
): Float64Array {
  const squares = new Float64Array(columns);
  for (const { value, row } of rows) for (let j = 0; j < columns; j++) squares[j]! += value * row[j]! ** 2;
  return squares.map(Math.sqrt);
}
