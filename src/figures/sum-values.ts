import { factorValues } from "../linalg/factor-svd.ts";

/** Units cubed, over all modules, that take about a tenth of a second of one thread. */
const MOST_CUBES = 1e8;

/** Whether the singular values of all modules' sums can be found in passing. @param counts units of each module */
export function inPassing(counts: readonly number[]): boolean {
  return counts.reduce((sum, count) => sum + count ** 3, 0) <= MOST_CUBES;
}

/**
 * Singular values of the weighted sum of a module's units, descending, from their Gram matrices.
 *
 * @param weights of the units, (N)
 */
export function sumValues({
  count,
  weights,
  gramA,
  gramB,
}: {
  readonly count: number;
  readonly weights: ArrayLike<number>;
  readonly gramA: Float64Array;
  readonly gramB: Float64Array;
}): number[] {
  const weighted = gramA.map((value, cell) => value * weights[Math.floor(cell / count)]! * weights[cell % count]!);
  return factorValues(weighted, gramB, count);
}
