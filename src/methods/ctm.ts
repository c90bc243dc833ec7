import type { Matrix, SharedBases } from "../linalg/core.ts";
import { type CoreAlgebra, inCoreSpace, mergeCores } from "./cores.ts";
import { type RuleOptions, ruleDefaults, ruleSchema } from "./elementwise/rules.ts";
import { type Method, sumOfRanks } from "./method.ts";

/** Rounds of HOOI; it settles in a few. */
const ROUNDS = 10;

/** Options of compress then merge. */
interface CtmOptions extends RuleOptions {
  readonly beta: number;
}

const DEFAULTS: CtmOptions = { ...ruleDefaults("ties"), beta: 0.5 };

/**
 * Compress then merge: bring the deltas nearer to one norm (beta of their own, 1 - beta of the mean), find the shared bases of rank k
 * that hold most of them (Tucker-2 by HOSVD and HOOI), and merge the k x k cores of the original deltas by a rule.
 */
export const ctm: Method<CtmOptions> = {
  id: "ctm",
  title: "Compress, then merge",
  reference: "CtM 2026, arXiv 2606.03723",
  dependsOn: "delta",
  single: "exact at density 1",
  weights: "linear",
  needs: {},
  defaults: DEFAULTS,
  schema: (z) =>
    ruleSchema(z, DEFAULTS).extend({
      beta: z
        .number()
        .min(0)
        .max(1)
        .default(DEFAULTS.beta)
        .describe("share of its own norm that each delta weighs with"),
    }) as unknown as import("zod").ZodType<CtmOptions>,
  precise: () => true,
  yields: "combinations",
  cut: "svd",
  defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
  fullRank: sumOfRanks,
  merge: (pool, { rank, options }) =>
    inCoreSpace(pool, (tasks, space, algebra) => {
      const cores = tasks.map(({ core }) => core);
      const bases = tucker(levelled(cores, options.beta, algebra), rank, algebra);
      return algebra.singularUnits(space, mergeCores(tasks, bases, options));
    }),
};

function levelled(cores: readonly Matrix[], beta: number, { normOf }: CoreAlgebra): Matrix[] {
  const norms = cores.map(normOf);
  const mean = norms.reduce((sum, norm) => sum + norm, 0) / norms.length;
  return cores.map((core, t) => core.clone().mul((beta * norms[t]! + (1 - beta) * mean) / norms[t]!));
}

/** Shared bases of rank k that hold most of the cores' squares: HOSVD, then HOOI. */
function tucker(cores: readonly Matrix[], k: number, { leading, sharedBases }: CoreAlgebra): SharedBases {
  let { left, right } = sharedBases(cores, k);
  for (let round = 0; round < ROUNDS; round++) {
    const across = cores.map((core) => core.mmul(right));
    left = leading(
      across.map((part) => part.mmul(part.transpose())),
      k,
    );
    const down = cores.map((core) => left.transpose().mmul(core));
    right = leading(
      down.map((part) => part.transpose().mmul(part)),
      k,
    );
  }
  return { left, right };
}
