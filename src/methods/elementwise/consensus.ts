import type { Values } from "./sparsify.ts";

/** How the sign of an entry is elected: by the sum of the tasks' values, or of their signs. Zero counts as plus. */
export const MAJORITIES = ["total", "frequency"] as const;
export type Majority = (typeof MAJORITIES)[number];

/**
 * Whose consensus: PEFT's votes on the values as they are and divides by the number of agreeing tasks; mergekit's votes on the weighted
 * values and divides by the agreeing weights.
 */
export const CONSENSUSES = ["peft", "mergekit"] as const;
export type Consensus = (typeof CONSENSUSES)[number];

/** out[x] = sum_t w_t values_t[x]. */
export function weightedSum(tasks: readonly Values[], weights: readonly number[], out: Values): void {
  out.fill(0);
  for (let t = 0; t < tasks.length; t++) {
    const values = tasks[t]!;
    const weight = weights[t]!;
    for (let x = 0; x < out.length; x++) out[x]! += weight * values[x]!;
  }
}

/**
 * TIES' consensus (Yadav et al. 2023, arXiv 2306.01708): per entry elect a sign, and average the weighted values of the tasks that have
 * it. Entries that no task agrees on are 0; weights that cancel divide by 1.
 */
export function agreeingMean(
  tasks: readonly Values[],
  weights: readonly number[],
  majority: Majority,
  consensus: Consensus,
  out: Values,
): void {
  const votes = consensus === "mergekit" ? weights : weights.map(() => 1);
  for (let x = 0; x < out.length; x++) {
    let election = 0;
    for (let t = 0; t < tasks.length; t++) {
      const vote = votes[t]! * tasks[t]![x]!;
      election += majority === "total" ? vote : Math.sign(vote);
    }
    const elected = election >= 0 ? 1 : -1;
    let sum = 0;
    let divisor = 0;
    for (let t = 0; t < tasks.length; t++) {
      const value = tasks[t]![x]!;
      if (Math.sign(votes[t]! * value) !== elected) continue;
      sum += weights[t]! * value;
      divisor += consensus === "mergekit" ? weights[t]! : 1;
    }
    out[x] = sum / (divisor === 0 ? 1 : divisor);
  }
}
