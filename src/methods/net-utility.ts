import { coreOf, coreSpaceOf, coreTriplets, type Triplets } from "../linalg/core.ts";
import { productTransposed, stacked } from "../linalg/matrix.ts";
import type { Pool } from "../units/pool.ts";
import { adaptersInOrder } from "./unit-order.ts";

/**
 * Net utilities of the singular directions of a module's adapters: how much a direction matters to its own adapter, less what others
 * lose by it (Amballa et al. 2026, arXiv 2609.22237; the formula is from a program that implements it). Weights take no part.
 *
 * @param alpha how much overlap with other adapters counts, at least 0
 * @returns a score for each direction, at most 1; adapters in canonical order, the strongest direction of each first
 */
export function netUtilities(pool: Pool, alpha: number): number[] {
  if (pool.count === 0) return [];
  const space = coreSpaceOf(pool.gramA, pool.gramB, pool.count);
  return utilitiesOf(
    adaptersInOrder(pool).map(({ units }) => coreTriplets(coreOf(space, units))),
    alpha,
  );
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

/**
 * Ranks of modules within a total: how many of the best directions, over all modules and adapters together, each module has. Only
 * directions of positive utility count, so the ranks may add up to less; a module without any gets 0. Of equal scores, those of the
 * module that comes first win.
 *
 * @param utilities scores of the directions of each module, by its name
 * @param total the most ranks together, a whole number of at least 0
 */
export function ranksWithin(
  utilities: ReadonlyMap<string, readonly number[]>,
  total: number,
): ReadonlyMap<string, number> {
  const ranks = new Map(Array.from(utilities.keys(), (name) => [name, 0]));
  const directions = Array.from(utilities, ([name, scores]) => scores.map((score) => ({ name, score }))).flat();
  const best = directions.filter(({ score }) => score > 0).sort((one, other) => other.score - one.score);
  for (const { name } of best.slice(0, total)) ranks.set(name, ranks.get(name)! + 1);
  return ranks;
}
