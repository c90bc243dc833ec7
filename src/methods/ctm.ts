import { type Core, coreNorm, type SharedBases, strongest } from "../linalg/core.ts";
import { productTransposed, scaledRows } from "../linalg/matrix.ts";
import { IN_CORE_SPACE, inCoreSpace, innerTriplets, mergeCores } from "./cores.ts";
import { type RuleOptions, ruleParameters } from "./elementwise/rules.ts";
import type { Method } from "./method.ts";

/** The most rounds of HOOI; it stops far earlier. */
const MOST_ROUNDS = 1000;
/** From the third on, rounds stop when one changes the relative error of what the bases hold by less than this, as the authors' do. */
const LEAST_CHANGE = 1e-6;

/** Options of compress then merge. */
export interface CtmOptions extends RuleOptions {
  readonly beta: number;
}

/**
 * Compress then merge: move the deltas' norms toward their mean (beta own norm, 1 - beta mean norm), find the shared bases of rank k
 * that capture most of them (Tucker-2 by HOSVD and HOOI), and merge the k x k cores of the original deltas by a rule.
 */
export const ctm: Method<CtmOptions> = {
  id: "ctm",
  title: "Compress, then merge",
  reference: "CtM 2026, arXiv 2606.03723",
  ...IN_CORE_SPACE,
  single: "exact at density 1",
  parameters: {
    ...ruleParameters("ties"),
    beta: {
      type: "number",
      least: 0,
      most: 1,
      default: 0.5,
      description: "share of its own norm in each delta's new norm; the mean norm gives the rest",
    },
  },
  merge: async (pool, { rank, options }) =>
    inCoreSpace(pool, (tasks) => {
      const cores = tasks.map(({ core }) => core);
      const bases = tucker(levelled(cores, options.beta), rank);
      return innerTriplets(mergeCores(tasks, bases, options), rank);
    }),
};

function levelled(cores: readonly Core[], beta: number): Core[] {
  const norms = cores.map(coreNorm);
  const mean = norms.reduce((sum, norm) => sum + norm, 0) / norms.length;
  return cores.map(({ a, b }, t) => {
    const factor = norms[t] === 0 ? 0 : (beta * norms[t]! + (1 - beta) * mean) / norms[t]!;
    return { a, b: scaledRows(b, Array<number>(b.rows).fill(factor)) };
  });
}

/** Shared bases of rank k that hold most of the cores' squares: the right basis from HOSVD, then HOOI until it gains no more. */
function tucker(cores: readonly Core[], k: number): SharedBases {
  let right = strongest(
    cores.map(({ a, b }) => ({ seen: b, spread: a })),
    k,
  ).directions;
  let left = right;
  const total = cores.reduce((sum, core) => sum + coreNorm(core) ** 2, 0);
  let before = Number.POSITIVE_INFINITY;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const across = cores.map(({ a, b }) => ({ seen: productTransposed(a, right), spread: b }));
    left = strongest(across, k).directions;
    const down = cores.map(({ a, b }) => ({ seen: productTransposed(b, left), spread: a }));
    const found = strongest(down, k);
    right = found.directions;
    const error = Math.sqrt(Math.abs(total - found.energy) / total);
    if (round > 1 && !(Math.abs(before - error) >= LEAST_CHANGE)) break;
    before = error;
  }
  return { left, right };
}
