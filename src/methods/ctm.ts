import { type Core, coreNorm, type SharedBases, strongest } from "../linalg/core.ts";
import { productTransposed, scaledRows } from "../linalg/matrix.ts";
import { inCoreSpace, innerTriplets, mergeCores } from "./cores.ts";
import { type RuleOptions, ruleParameters } from "./elementwise/rules.ts";
import { type Method, sumOfRanks } from "./method.ts";

/** The most rounds of HOOI. */
const MOST_ROUNDS = 10;
/** Rounds stop when one adds less than this share to the captured squares. */
const LEAST_GAIN = 1e-6;

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
  dependsOn: "delta",
  single: "exact at density 1",
  weights: "linear",
  needs: {},
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
  precise: () => true,
  yields: "combinations",
  cut: "svd",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: sumOfRanks,
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

/** Shared bases of rank k that capture most of the cores' squares: the right basis from HOSVD, then HOOI until it gains no more. */
function tucker(cores: readonly Core[], k: number): SharedBases {
  let right = strongest(
    cores.map(({ a, b }) => ({ seen: b, spread: a })),
    k,
  ).directions;
  let left = right;
  let held = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const across = cores.map(({ a, b }) => ({ seen: productTransposed(a, right), spread: b }));
    left = strongest(across, k).directions;
    const down = cores.map(({ a, b }) => ({ seen: productTransposed(b, left), spread: a }));
    const found = strongest(down, k);
    right = found.directions;
    if (found.energy <= held * (1 + LEAST_GAIN)) break;
    held = found.energy;
  }
  return { left, right };
}
