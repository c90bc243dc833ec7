import type { Divisor, Kernels } from "../../kernels/kernels.ts";
import type { Consensus } from "./consensus.ts";
import type { ConsensusOptions } from "./options.ts";

/** The same entries of every task, one task after the other: entry x of task t at t * stride + x. */
export interface StackedTasks {
  readonly kernels: Kernels;
  readonly stacked: Float32Array;
  readonly stride: number;
}

/** Merges the first `length` entries of every task into one; the weights are in kernel memory. */
export type Combine = (tasks: StackedTasks, weights: Float64Array, length: number, merged: Float32Array) => void;

/** The sum of w_t D_t, in f64, rounded once. */
export const weightedSum: Combine = ({ kernels, stacked, stride }, weights, length, merged) =>
  kernels.multiply(weights, 1, stacked, weights.length, stride, length, merged, length);

/** What each consensus divides the sum of those that agree by. */
const DIVISORS: Readonly<Record<Consensus, Divisor>> = { peft: "count", mergekit: "weights", mergekit_sum: "none" };

/** TIES' vote, and the mean or sum of those that have the elected sign. */
export function votedMean({ majority, consensus }: ConsensusOptions): Combine {
  const vote = { weighted: consensus !== "peft", byValue: majority === "total", divisor: DIVISORS[consensus] };
  return ({ kernels, stacked, stride }, weights, length, merged) =>
    kernels.electedMean(stacked, weights.length, stride, length, weights, vote, merged);
}
