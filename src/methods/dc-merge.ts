import { coreTriplets, polarFactor, ROUNDING, type Triplets } from "../linalg/core.ts";
import { matrix, normOf, product, productTransposed, rowsAt, scaledRows, stacked } from "../linalg/matrix.ts";
import { IN_CORE_SPACE, type InnerMerge, inCoreSpace, weighted, withoutRounding } from "./cores.ts";
import { keptCount, largestOf } from "./elementwise/sparsify.ts";
import type { Method } from "./method.ts";

/** How a task's singular values are smoothed: to their mean, or to a line that falls from rho to 1. */
export const SMOOTHINGS = ["average", "linear"] as const;

/** Options of DC-Merge. */
export interface DcMergeOptions {
  readonly smoothing: (typeof SMOOTHINGS)[number];
  readonly rho: number;
  readonly density: number;
}

/** Entries this close to the smallest one that is kept, as a share of it, are kept too: only rounding orders them. */
const EQUAL = 1e-8;

/**
 * DC-Merge: smooth the singular values of each w_t D_t, keeping their sum. The polar factors of all left and of all right vectors span a
 * cover space; in it, keep the largest entries of each task's matrix, elect signs by the sum, average what agrees, and keep only the
 * blocks on the diagonal, one for each task's own directions. As the authors' code does, except that directions within rounding of others
 * are left out of the cover space.
 */
export const dcMerge: Method<DcMergeOptions> = {
  id: "dc_merge",
  title: "Directional consistency (DC-Merge)",
  reference: "Zhang et al. 2026, arXiv 2603.06242",
  ...IN_CORE_SPACE,
  single: "changes",
  sparse: true,
  parameters: {
    smoothing: {
      type: "choice",
      choices: SMOOTHINGS,
      default: "average",
      description: "what becomes of each adapter's singular values: all their mean, or a falling line",
    },
    rho: {
      type: "number",
      least: 1,
      default: 5,
      description: "the most that the first singular value is above the last after linear smoothing",
    },
    density: {
      type: "number",
      above: 0,
      most: 1,
      default: 0.001,
      description: "share of each adapter's entries to keep in the cover space, at least one",
    },
  },
  merge: async (pool, { options }) =>
    inCoreSpace(pool, (tasks) => {
      const kept = tasks.map((task) => coreTriplets(weighted(task)));
      const left = polarFactor(stacked(kept.map((own) => own.left)));
      const right = polarFactor(stacked(kept.map((own) => own.right)));
      const covered = kept.map((own) => {
        const sigma = smoothed(own.sigma, options);
        const spread = product(
          productTransposed(left, scaledRows(own.left, sigma)),
          productTransposed(own.right, right),
        );
        return withoutRounding(spread.data, Math.hypot(...sigma));
      });
      for (const entries of covered) keepLargest(entries, options.density);
      const owners = kept.flatMap(({ sigma }, t) => sigma.map(() => t));
      return rowUnits({ left, right, inner: matrix(left.rows, left.rows, electedBlocks(covered, owners)) });
    }),
};

/** Singular values, descending, with the same sum, and on a line or all equal. */
function smoothed(sigma: readonly number[], { smoothing, rho }: DcMergeOptions): number[] {
  const last = sigma.length - 1;
  const ratio = smoothing === "linear" ? Math.min(rho, sigma[0]! / sigma[last]!) : 1;
  const line = sigma.map((_, i) => (last === 0 ? 1 : ratio + ((1 - ratio) * i) / last));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return line.map((value) => (value * sum(sigma)) / sum(line));
}

/** Zero all but the largest entries: int(density n), at least one, and those that equal the smallest kept one. */
function keepLargest(entries: Float64Array, density: number): void {
  const { threshold } = largestOf(entries, Math.max(1, keptCount(density, entries.length)));
  const least = threshold * (1 - EQUAL);
  for (let x = 0; x < entries.length; x++) if (Math.abs(entries[x]!) < least) entries[x] = 0;
}

/** The mean, entry by entry, over the tasks that have the sum's sign; 0 where rows and columns belong to different tasks. */
function electedBlocks(tasks: readonly Float64Array[], owners: readonly number[]): Float64Array {
  const n = owners.length;
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (owners[i] === owners[j]) out[i * n + j] = electedMean(tasks.map((entries) => entries[i * n + j]!));
    }
  }
  return out;
}

function electedMean(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  if (Math.abs(sum) <= ROUNDING * values.reduce((total, value) => total + Math.abs(value), 0)) return 0;
  const agreeing = values.filter((value) => value * sum > 0);
  return agreeing.reduce((total, value) => total + value, 0) / agreeing.length;
}

/** left^T inner right, as a unit for each row of `inner` that is not zero: far fewer than rows. */
function rowUnits({ left, right, inner }: InnerMerge): Triplets {
  const across = product(inner, right);
  const norms = Array.from({ length: across.rows }, (_, i) => normOf(rowsAt(across, [i])));
  const live = [...norms.keys()].filter((i) => norms[i]! > 0);
  return {
    sigma: live.map((i) => norms[i]!),
    left: rowsAt(left, live),
    right: scaledRows(
      rowsAt(across, live),
      live.map((i) => 1 / norms[i]!),
    ),
  };
}
