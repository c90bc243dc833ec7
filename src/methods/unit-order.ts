import type { Pool } from "../adapter/pool.ts";

/** Sort positions by the user's order: by input, then by the unit's place in its file. */
export function byInput(pool: Pool): number[] {
  return Array.from(pool.ids.keys()).sort((i, j) => compareIds(pool.ids[i]!, pool.ids[j]!));
}

/**
 * The place of every unit in an output that must not depend on the order of the inputs: adapters by their first unit in
 * value order (ties by the next ones, then by file order), units of an adapter as in its file. One adapter alone keeps its order.
 */
export function canonicalPlaces(pool: Pool): Int32Array {
  const byAdapter = new Map<number, number[]>();
  for (const i of byInput(pool)) {
    const input = pool.ids[i]![0];
    byAdapter.set(input, [...(byAdapter.get(input) ?? []), i]);
  }
  const adapters = [...byAdapter.values()].map((inFile) => {
    const ties = inFile.map((i) => pool.tie[i]!);
    return { inFile, ties, sorted: ties.toSorted((p, q) => p - q) };
  });
  adapters.sort((one, other) => compareLists(one.sorted, other.sorted) || compareLists(one.ties, other.ties));
  const places = new Int32Array(pool.count);
  let place = 0;
  for (const { inFile } of adapters) for (const i of inFile) places[i] = place++;
  return places;
}

/** Order of two unit ids: by input, then by unit. */
export function compareIds(one: readonly number[], other: readonly number[]): number {
  return compareLists(one, other);
}

function compareLists(one: readonly number[], other: readonly number[]): number {
  for (let x = 0; x < one.length && x < other.length; x++) {
    if (one[x] !== other[x]) return one[x]! - other[x]!;
  }
  return one.length - other.length;
}
