import { coreNorm, coreTriplets, isRounding, sharedBases, truncated } from "../linalg/core.ts";
import { type Matrix, normOf, plus, product, productTransposed, scaledRows, stacked } from "../linalg/matrix.ts";
import { IN_CORE_SPACE, inCoreSpace, innerTriplets, mergeCores, type TaskCore } from "./cores.ts";
import { type RuleOptions, ruleParameters } from "./elementwise/rules.ts";
import type { Method } from "./method.ts";

/**
 * Pico: before merging, shrink the directions that all adapters share in every B_t (in the SVD gauge, B_t = U_t sqrt(S_t)) by
 * 1 / (1 + (T - 1) p_j), where p_j is the share of direction j in the squares of [B_1..B_T]. Then merge by a rule, and scale the
 * result to the mean norm of the deltas.
 */
export const pico: Method<RuleOptions> = {
  id: "pico",
  title: "Calibration of shared output directions",
  reference: "Tang and Yang 2026, arXiv 2604.16826",
  ...IN_CORE_SPACE,
  single: "exact",
  parameters: ruleParameters("sum"),
  merge: async (pool, { rank, options }) =>
    inCoreSpace(pool, (tasks) => {
      const calibrated = calibrate(tasks);
      const bases = sharedBases(calibrated.map(({ core }) => core));
      const merged = mergeCores(calibrated, bases, options);
      const mean = tasks.reduce((sum, { core }) => sum + coreNorm(core), 0) / tasks.length;
      const norm = normOf(merged.inner);
      // Adapters that cancel out leave rounding errors, which must not be scaled up to their norm.
      const triplets = innerTriplets(merged, isRounding(norm, mean) ? 0 : rank);
      return { ...triplets, sigma: triplets.sigma.map((value) => (value * mean) / norm) };
    }),
};

/** Shrink the directions that the tasks share in the space of B. */
function calibrate(tasks: readonly TaskCore[]): TaskCore[] {
  const gauged = tasks.map(({ core }) => {
    const { sigma, left } = coreTriplets(core);
    return scaledRows(left, sigma.map(Math.sqrt));
  });
  const { sigma, right: directions } = truncated(stacked(gauged));
  const total = sigma.reduce((sum, value) => sum + value ** 2, 0);
  const change = sigma.map((value) => 1 / (1 + ((tasks.length - 1) * value ** 2) / total) - 1);
  // Acting on B_t from the left is acting on D_t = B_t A_t from the left.
  return tasks.map(({ core: { a, b }, weight }) => ({ core: { a, b: shrunk(b, directions, change) }, weight }));
}

/** Each row y becomes y + U diag(change) U^T y, with the directions U as rows. */
function shrunk(rows: Matrix, directions: Matrix, change: readonly number[]): Matrix {
  return plus(rows, product(productTransposed(rows, directions), scaledRows(directions, change)));
}
