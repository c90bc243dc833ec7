/** The sum of values in ascending order: the same bits for any input order. */
export function orderlessSum(values: Iterable<number>): number {
  return Float64Array.from(values)
    .sort()
    .reduce((sum, value) => sum + value, 0);
}
