import { ROUNDING } from "../linalg/core.ts";
import { factorSvd } from "../linalg/factor-svd.ts";
import { type Matrix, matrix, productTransposed, rowsAt, stackedRows } from "../linalg/matrix.ts";
import type { Pool } from "../units/pool.ts";
import { deltaTasks, deltaTasksBytes } from "./dense/delta-tasks.ts";
import { type ElementwiseRule, mergedTiles } from "./dense/merge-tiles.ts";
import { deltaDensity } from "./dense/options.ts";
import { deltaDraws, droppedAtRandom, keepAll, largestShare } from "./dense/sparsifiers.ts";
import { TaskTiles, taskTilesBytes } from "./dense/task-tiles.ts";
import { type Combine, votedMean, weightedSum } from "./elementwise/combine.ts";
import { CONSENSUS, type ConsensusOptions, SEED } from "./elementwise/options.ts";
import { type MergedModule, type Method, type ModuleShape, sumOfRanks } from "./method.ts";

/** How KnOTS merges the aligned right factors. */
export const KNOTS_RULES = ["ties", "dare_ties", "mean"] as const;

export interface KnotsOptions extends ConsensusOptions {
  /** How the blocks S V_t^T are merged. */
  readonly rule: (typeof KNOTS_RULES)[number];
  readonly density: number;
  readonly seed: number;
}

/** If the tasks' blocks, their merge and a block of draws are larger, they are computed again for every pass. */
const MOST_WHOLE_BYTES = 3 * 2 ** 24;

/**
 * KnOTS: with [D_1 | ... | D_T] = U S [V_1 | ... | V_T]^T, all tasks share the directions U. Their blocks S V_t^T (at most N x in) are
 * merged element by element, in tiles; delta = U * merged. U comes from the Gram matrices in f64, so directions below about 1e-6 of
 * the largest are left out. Exact at rank N; cut to k by singular values. Kernel memory besides the pool: 8 N (in + out) bytes,
 * at most 50 megabytes of tiles, and small matrices.
 */
export const knots: Method<KnotsOptions> = {
  id: "knots",
  title: "KnOTS (merging in a shared singular basis)",
  reference: "Stoica et al. 2024, arXiv 2410.19735",
  dependsOn: "delta",
  single: "exact at density 1",
  weights: "linear",
  needs: {},
  parameters: {
    rule: {
      type: "choice",
      choices: KNOTS_RULES,
      default: "ties",
      description: "how the tasks' blocks in the shared basis are merged",
    },
    density: deltaDensity(0.5),
    seed: SEED,
    ...CONSENSUS,
  },
  precise: () => true,
  yields: "rows",
  cut: "svd",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: sumOfRanks,
  scratchBytes,
  async merge(pool, { options }): Promise<MergedModule> {
    const tasks = await deltaTasks(pool);
    const basis = sharedBasis(pool, tasks);
    const count = basis.length;
    const inner = coordinates(pool, basis);
    const blocks = tasks.map((task) => ({ ...task, b: rowsAt(inner, task.positions).data }));
    const a = pool.kernels.f32(count * pool.in);
    const whole = wholeBytes(blocks.length, count, pool.in) <= MOST_WHOLE_BYTES;
    const tiles = new TaskTiles(pool.kernels, blocks, count, pool.in, whole ? count : undefined);
    mergedTiles(tiles, ruleOf(options), 0)((tile, from) => a.set(tile, from * pool.in));
    return { combinations: null, rows: null, halfRows: { a, b: basis } };
  },
};

function ruleOf({ rule, density, seed, ...vote }: KnotsOptions): ElementwiseRule {
  if (rule === "mean") return { prepare: keepAll(), combine: mean };
  return {
    prepare: rule === "ties" ? largestShare(density) : droppedAtRandom(density, deltaDraws(seed)),
    combine: votedMean(vote),
  };
}

/** The weighted sum divided by the number of tasks. */
const mean: Combine = (tiles, weights, length, merged) => {
  weightedSum(tiles, weights, length, merged);
  tiles.kernels.scale(merged, 1 / weights.length);
};

/**
 * U as coefficients over the pool's b. Side by side, the a-halves of different tasks do not overlap, so the Gram matrix of the long rows
 * is G_A without the products between tasks.
 */
function sharedBasis(pool: Pool, tasks: readonly { readonly positions: readonly number[] }[]) {
  const n = pool.count;
  const withinTasks = new Float64Array(n * n);
  for (const { positions } of tasks) {
    for (const i of positions) for (const j of positions) withinTasks[i * n + j] = pool.gramA[i * n + j]!;
  }
  return factorSvd(withinTasks, pool.gramB, n).u;
}

/** U^T b_i (units, basis) of the pool's units, with rounding errors set to 0. A task's block is sum_i (U^T b_i) a_i^T over its units. */
function coordinates({ count: n, gramB }: Pool, basis: readonly Float64Array[]): Matrix {
  const inner = productTransposed(matrix(n, n, gramB), stackedRows(basis, n));
  for (let i = 0, cell = 0; i < n; i++) {
    const least = ROUNDING * Math.sqrt(gramB[i * n + i]!);
    for (let j = 0; j < basis.length; j++, cell++) if (!(Math.abs(inner.data[cell]!) > least)) inner.data[cell] = 0;
  }
  return inner;
}

/** The blocks of all tasks at once, their merge, and as many draws. */
function wholeBytes(tasks: number, rows: number, columns: number): number {
  return 4 * (tasks + 2) * rows * columns;
}

function scratchBytes({ in: inputs, out, ranks, rank }: ModuleShape): number {
  const units = sumOfRanks(ranks);
  return (
    deltaTasksBytes(units, ranks.length, inputs, out) +
    taskTilesBytes(ranks.length, inputs, Math.max(...ranks)) +
    Math.min(MOST_WHOLE_BYTES, wholeBytes(ranks.length, units, inputs)) +
    8 * units * Math.max(...ranks) +
    4 * units * (inputs + out) +
    // The products of the uncut rows, and the coefficients that cut them.
    32 * units * units +
    16 * units * rank +
    256
  );
}
