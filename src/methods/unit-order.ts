import type { LiveUnits } from "../units/live-units.ts";

/** All positions in the user's order: by input, then by the unit's position in its file. */
export function byInput({ rows }: LiveUnits): Int32Array {
  return inOrder(rows);
}

/** One adapter's live units in a module. */
export interface AdapterUnits {
  readonly input: number;
  /** Positions in the pool, in the order of the adapter's file. */
  readonly units: readonly number[];
  readonly weight: number;
}

/**
 * The adapters that have live units, in an order independent of the order of the inputs: by their first unit in value order (ties by
 * the next units, then by file order).
 */
export function adaptersInOrder(pool: LiveUnits): AdapterUnits[] {
  const byAdapter = new Map<number, number[]>();
  for (const i of byInput(pool)) {
    const input = pool.ids[i]![0];
    const inFile = byAdapter.get(input);
    if (inFile === undefined) byAdapter.set(input, [i]);
    else inFile.push(i);
  }
  const adapters = Array.from(byAdapter, ([input, units]) => {
    const ties = Int32Array.from(units, (i) => pool.tie[i]!);
    return { input, units, weight: pool.weights[units[0]!]!, ties, sorted: ties.slice().sort() };
  });
  return adapters.sort((one, other) => compareLists(one.sorted, other.sorted) || compareLists(one.ties, other.ties));
}

/**
 * The position of every unit in an output that must not depend on the order of the inputs: adapters in canonical order, the units of
 * an adapter in file order. A single adapter keeps its order.
 */
export function canonicalPlaces(pool: LiveUnits): Int32Array {
  const places = new Int32Array(pool.count);
  let place = 0;
  for (const { units } of adaptersInOrder(pool)) for (const i of units) places[i] = place++;
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
