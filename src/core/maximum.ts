/** The largest of any number of values, which Math.max cannot take as arguments; -Infinity for none. */
export function maximum(values: Iterable<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}
