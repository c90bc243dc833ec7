import { seededRandom } from "../core/random.ts";

/** A difference of two mean accuracies on the same rows, with a 95% bootstrap interval. */
export interface PairedDifference {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 1000;

/**
 * How much better one set of answers is than another: the mean over tasks of the difference of accuracies. The interval is from 1000
 * resamplings of the rows within each task (percentiles 2.5 and 97.5). Deterministic for a given `seed`.
 *
 * @param tasks for each task, whether each row was right in the one set and in the other
 */
export function pairedDifference(
  tasks: readonly { readonly one: readonly boolean[]; readonly other: readonly boolean[] }[],
  seed = 0,
): PairedDifference {
  const gains = tasks.map(({ one, other }) => one.map((right, i) => Number(right) - Number(other[i]!)));
  const random = seededRandom(seed);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const resampled = Array.from({ length: RESAMPLES }, () =>
    mean(gains.map((gain) => mean(gain.map(() => gain[random.below(gain.length)]!)))),
  ).sort((p, q) => p - q);
  return {
    difference: mean(gains.map(mean)),
    low: resampled[Math.floor(0.025 * RESAMPLES)]!,
    high: resampled[Math.ceil(0.975 * RESAMPLES) - 1]!,
  };
}

/** Whether the interval holds zero. */
export function isTie({ low, high }: PairedDifference): boolean {
  return low <= 0 && high >= 0;
}
