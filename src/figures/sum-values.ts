import { factorValues } from "../linalg/factor-svd.ts";

/** Up to here the singular values of a module's sum cost little beside its Gram matrices (docs/report.md). */
const MOST_UNITS = 256;

/**
 * Singular values of the weighted sum of a module's units, descending, from their Gram matrices; null if there are too many units to do so
 * in passing.
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
}): number[] | null {
  if (count > MOST_UNITS) return null;
  const weighted = gramA.map((value, cell) => value * weights[Math.floor(cell / count)]! * weights[cell % count]!);
  return factorValues(weighted, gramB, count);
}
