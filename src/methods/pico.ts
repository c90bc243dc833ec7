import type { Matrix } from "../linalg/core.ts";
import { type CoreAlgebra, inCoreSpace, mergeCores, type TaskCore } from "./cores.ts";
import { type RuleOptions, ruleDefaults, ruleSchema } from "./elementwise/rules.ts";
import { type Method, sumOfRanks } from "./method.ts";

const DEFAULTS = ruleDefaults("sum");

/**
 * Pico: before merging, shrink in every B_t (of the SVD gauge, B_t = U_t sqrt(S_t)) the directions that all adapters share, by
 * 1 / (1 + (T - 1) p_j), p_j the share of direction j in the squares of [B_1..B_T]; merge by a rule; and bring the result to the mean
 * norm of the deltas.
 */
export const pico: Method<RuleOptions> = {
  id: "pico",
  title: "Calibration of shared output directions",
  reference: "Tang and Yang 2026, arXiv 2604.16826",
  dependsOn: "delta",
  single: "exact",
  weights: "linear",
  needs: {},
  defaults: DEFAULTS,
  schema: (z) => ruleSchema(z, DEFAULTS) as unknown as import("zod").ZodType<RuleOptions>,
  precise: () => true,
  yields: "combinations",
  cut: "svd",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: sumOfRanks,
  merge: (pool, { options }) =>
    inCoreSpace(pool, (tasks, space, algebra) => {
      const calibrated = calibrate(tasks, algebra);
      const bases = algebra.sharedBases(calibrated.map(({ core }) => core));
      const merged = mergeCores(calibrated, bases, options);
      const mean = tasks.reduce((sum, { core }) => sum + algebra.normOf(core), 0) / tasks.length;
      const norm = algebra.normOf(merged);
      return algebra.singularUnits(space, norm === 0 ? merged : merged.mul(mean / norm));
    }),
};

/** Shrink what the tasks share in the space of B. */
function calibrate(tasks: readonly TaskCore[], { sideBySide, truncated }: CoreAlgebra): TaskCore[] {
  const gauged = tasks.map(({ core }) => {
    const { sigma, left } = truncated(core, Number.POSITIVE_INFINITY);
    return left.mulRowVector(sigma.map(Math.sqrt));
  });
  const { sigma, left } = truncated(sideBySide(gauged), Number.POSITIVE_INFINITY);
  const total = sigma.reduce((sum, value) => sum + value ** 2, 0);
  const change = sigma.map((value) => 1 / (1 + ((tasks.length - 1) * value ** 2) / total) - 1);
  // Acting on B_t from the left is acting on D_t = B_t A_t from the left.
  return tasks.map(({ core, weight }) => ({ core: shrink(core, left, change), weight }));
}

/** M + U diag(change) U^T M. */
function shrink(core: Matrix, directions: Matrix, change: readonly number[]): Matrix {
  const parts = directions
    .transpose()
    .mmul(core)
    .mulColumnVector([...change]);
  return directions.mmul(parts).add(core);
}
