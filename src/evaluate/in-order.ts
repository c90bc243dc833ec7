/**
 * Do work on items, at most `lanes` at a time, in order.
 *
 * @returns the results in the order of the items
 * @throws the error of the first item, in order, that failed; what has begun is awaited, and nothing else begins
 */
export async function inOrder<Item, Result>(
  items: readonly Item[],
  lanes: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: { readonly at: number; readonly error: unknown }[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const at = next++;
      try {
        results[at] = await work(items[at]!);
      } catch (error) {
        failures.push({ at, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
  failures.sort((one, other) => one.at - other.at);
  if (failures.length > 0) throw failures[0]!.error;
  return results;
}
