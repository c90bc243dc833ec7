import type { Pool } from "../adapter/pool.ts";

/** All positions in the user's order: by input, then by the unit's place in its file. */
export function byInput({ rows }: Pool): Int32Array {
  return inOrder(rows);
}

/**
 * The place of every unit in an output that must not depend on the order of the inputs: adapters by their first unit in
 * value order (ties by the next ones, then by file order), units of an adapter as in its file. One adapter alone keeps its order.
 */
export function canonicalPlaces(pool: Pool): Int32Array {
  const byAdapter = new Map<number, number[]>();
  for (const i of byInput(pool)) {
    const input = pool.ids[i]![0];
    const inFile = byAdapter.get(input);
    if (inFile === undefined) byAdapter.set(input, [i]);
    else inFile.push(i);
  }
  const adapters = [...byAdapter.values()].map((inFile) => {
    const ties = Int32Array.from(inFile, (i) => pool.tie[i]!);
    return { inFile, ties, sorted: ties.slice().sort() };
  });
  adapters.sort((one, other) => compareLists(one.sorted, other.sorted) || compareLists(one.ties, other.ties));
  const places = new Int32Array(pool.count);
  let place = 0;
  for (const { inFile } of adapters) for (const i of inFile) places[i] = place++;
  return places;
}

/** Positions by their places. */
export function inOrder(places: Int32Array): Int32Array {
  return Int32Array.from(places.keys()).sort((i, j) => places[i]! - places[j]!);
}

/** Order of two unit ids: by input, then by unit. */
export function compareIds(one: readonly number[], other: readonly number[]): number {
  return compareLists(one, other);
}

function compareLists(one: ArrayLike<number>, other: ArrayLike<number>): number {
  for (let x = 0; x < one.length && x < other.length; x++) {
    if (one[x] !== other[x]) return one[x]! - other[x]!;
  }
  return one.length - other.length;
}
