import type { Values } from "./sparsify.ts";

/** How the sign of an entry is elected: by the sum of the tasks' values, or of their signs. Zero counts as plus. */
export const MAJORITIES = ["total", "frequency"] as const;
/** How the sign of an entry is elected. */
export type Majority = (typeof MAJORITIES)[number];

/**
 * The tool whose consensus is used. PEFT votes on the unweighted values and divides by the number of agreeing tasks; mergekit votes on
 * the weighted values and divides by the agreeing weights; mergekit_sum votes likewise and divides by nothing (mergekit's `normalize:
 * false`).
 */
export const CONSENSUSES = ["peft", "mergekit", "mergekit_sum"] as const;
/** How weights act on the vote, and what the sum of those that agree is divided by. */
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
 * TIES' consensus (Yadav et al. 2023, arXiv 2306.01708): elect a sign for each entry, and average the weighted values of the tasks
 * that have it, or add them up (mergekit_sum). Entries without an agreeing task are 0; if weights cancel, the divisor is 1.
 */
export function agreeingMean(
  tasks: readonly Values[],
  weights: readonly number[],
  majority: Majority,
  consensus: Consensus,
  out: Values,
): void {
  const factors = Float64Array.from(weights);
  if (consensus === "peft") meanByNumber(tasks, factors, majority === "total", out);
  else meanByWeight(tasks, factors, majority === "total", consensus === "mergekit", out);
}

// Signs are nearly random, so products with 0 or 1 are faster than branches below.

function meanByNumber(tasks: readonly Values[], weights: Float64Array, byValue: boolean, out: Values): void {
  const count = tasks.length;
  for (let x = 0; x < out.length; x++) {
    let election = 0;
    if (byValue) for (let t = 0; t < count; t++) election += tasks[t]![x]!;
    else for (let t = 0; t < count; t++) election += Math.sign(tasks[t]![x]!);
    const plus = election >= 0;
    let sum = 0;
    let agreeing = 0;
    for (let t = 0; t < count; t++) {
      const value = tasks[t]![x]!;
      const agrees = Number(plus ? value > 0 : value < 0);
      sum += weights[t]! * value * agrees;
      agreeing += agrees;
    }
    out[x] = sum / (agreeing === 0 ? 1 : agreeing);
  }
}

function meanByWeight(
  tasks: readonly Values[],
  weights: Float64Array,
  byValue: boolean,
  divided: boolean,
  out: Values,
): void {
  const count = tasks.length;
  for (let x = 0; x < out.length; x++) {
    let election = 0;
    if (byValue) for (let t = 0; t < count; t++) election += weights[t]! * tasks[t]![x]!;
    else for (let t = 0; t < count; t++) election += Math.sign(weights[t]! * tasks[t]![x]!);
    const plus = election >= 0;
    let sum = 0;
    let divisor = 0;
    for (let t = 0; t < count; t++) {
      const vote = weights[t]! * tasks[t]![x]!;
      const agrees = Number(plus ? vote > 0 : vote < 0);
      sum += vote * agrees;
      divisor += weights[t]! * agrees;
    }
    out[x] = sum / (divided && divisor !== 0 ? divisor : 1);
  }
}
