import { coreOf, coreSpaceOf, coreTriplets, type Triplets } from "../linalg/core.ts";
import { productTransposed, stacked } from "../linalg/matrix.ts";
import type { Pool } from "../units/pool.ts";
import { adaptersInOrder } from "./unit-order.ts";

/** How much overlap with other adapters costs a direction: a tenth for each side and adapter that share it in full. */
const ALPHA = 0.1;

/** The singular directions of a module's adapters. */
export interface ScoredDirections {
  /** The net utility of each, at most 1; adapters in canonical order, the strongest direction of each first. */
  readonly scores: readonly number[];
  /** How many dimensions they span on the side where they span fewer: no sum of them has a larger rank. */
  readonly span: number;
}

/**
 * Net utilities of the singular directions of a module's adapters: how much a direction matters to its own adapter, less what others
 * lose by it (Amballa et al. 2026, arXiv 2609.22237; the formula is from a program that implements it). Weights take no part.
 *
 * @param pool with Gram matrices in f64
 * @param alpha how much overlap with other adapters counts, at least 0
 */
export function netUtilities(pool: Pool, alpha: number = ALPHA): ScoredDirections {
  if (pool.count === 0) return { scores: [], span: 0 };
  const space = coreSpaceOf(pool.gramA, pool.gramB, pool.count);
  const tasks = adaptersInOrder(pool).map(({ units }) => coreTriplets(coreOf(space, units)));
  return { scores: utilitiesOf(tasks, alpha), span: Math.min(space.a.size, space.b.size) };
}

/**
 * The score of direction i of task t: sigma_i / sigma_max,t - alpha sum_j (sigma_j / sigma_max) ((p_i . p_j)^2 + (q_i . q_j)^2) over the
 * directions j of other tasks, each relative to the strongest of its own task. p and q are left and right vectors.
 *
 * @param tasks singular triplets, each task's descending
 */
function utilitiesOf(tasks: readonly Triplets[], alpha: number): number[] {
  const share = tasks.flatMap(({ sigma }) => sigma.map((value) => value / sigma[0]!));
  const owner = tasks.flatMap(({ sigma }, t) => sigma.map(() => t));
  const [left, right] = [stacked(tasks.map((task) => task.left)), stacked(tasks.map((task) => task.right))];
  const [p, q] = [productTransposed(left, left).data, productTransposed(right, right).data];
  const n = share.length;
  return share.map((own, i) => {
    let overlap = 0;
    for (let j = 0, cell = i * n; j < n; j++, cell++) {
      if (owner[j] !== owner[i]) overlap += share[j]! * (p[cell]! ** 2 + q[cell]! ** 2);
    }
    return own - alpha * overlap;
  });
}

/** A module that takes part in a budget: the scores of its directions, in any order, and the most ranks that it can use. */
export interface Bidder {
  readonly scores: readonly number[];
  readonly most: number;
}

/**
 * Share out ranks over modules: each gets 1, whatever it scores, so that no module is lost; the others go to the best of the remaining
 * directions of all modules together. Of equal scores, those of the module that comes first win.
 *
 * @param total the most ranks together, at least one for each module
 * @returns the rank of each module; together `total`, or less if the modules cannot use as many
 */
export function ranksWithin(modules: readonly Bidder[], total: number): number[] {
  const others = modules.flatMap(({ scores, most }, module) =>
    scores
      .toSorted((one, other) => other - one)
      .slice(1, most)
      .map((score) => ({ module, score })),
  );
  const ranks = modules.map(() => 1);
  others.sort((one, other) => other.score - one.score);
  for (const { module } of others.slice(0, total - modules.length)) ranks[module]!++;
  return ranks;
}
