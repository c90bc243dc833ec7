import type { ParameterTable } from "../parameters.ts";
import { agreeingMean, type Consensus, type Majority, weightedSum } from "./consensus.ts";
import { bernoulliMask, dropAndRescale } from "./draws.ts";
import { CONSENSUS, DENSITY, SEED } from "./options.ts";
import { keptCount, largestOf } from "./sparsify.ts";

/** How the matrices of tasks are merged entry by entry. */
export const RULES = ["sum", "magnitude_prune", "ties", "dare_linear", "dare_ties"] as const;
/** How deltas are merged in a shared basis. */
export type Rule = (typeof RULES)[number];

/** A rule with its options. */
export interface RuleOptions {
  readonly rule: Rule;
  readonly density: number;
  readonly majority: Majority;
  readonly consensus: Consensus;
  readonly seed: number;
}

/** The parameters of a rule, with `rule` as the default. */
export function ruleParameters(rule: Rule): ParameterTable<RuleOptions> {
  return {
    rule: {
      type: "choice",
      choices: RULES,
      default: rule,
      description: "sum; sum of the largest entries; elect signs; or drop entries at random before either",
    },
    ...DENSITY,
    ...CONSENSUS,
    seed: SEED,
  };
}

/**
 * Merge one array per task, in f64, into a new one. The arrays are sparsified in place.
 *
 * @param tasks in an order independent of the order of the inputs, because masks are drawn by place
 */
export function mergeByRule(
  tasks: readonly Float64Array[],
  weights: readonly number[],
  options: RuleOptions,
): Float64Array {
  const { rule, density, majority, consensus, seed } = options;
  if (rule === "magnitude_prune" || rule === "ties") {
    // At least one: a core of 1 x 1 has nothing to drop.
    for (const values of tasks) largestOf(values, Math.max(1, keptCount(density, values.length))).pruneInPlace(values);
  }
  if (rule === "dare_linear" || rule === "dare_ties") {
    const mask = bernoulliMask(seed, 0, density);
    for (const [t, values] of tasks.entries()) dropAndRescale(values, t, mask, density);
  }
  const out = new Float64Array(tasks[0]!.length);
  if (rule === "ties" || rule === "dare_ties") agreeingMean(tasks, weights, majority, consensus, out);
  else weightedSum(tasks, weights, out);
  return out;
}
