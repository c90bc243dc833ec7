import type { LiveUnits } from "../../units/live-units.ts";
import { canonicalPlaces, inOrder } from "../unit-order.ts";

/** An adapter whose i-th unit belongs to the i-th units of the others. */
export interface AlignedAdapter {
  readonly input: number;
  /** Position of its first unit among the stored rows; unit i is i rows further on. */
  readonly firstRow: number;
  readonly weight: number;
  readonly scale: number;
}

/** The adapters of a module side by side, for methods that merge entry by entry. */
export interface Alignment {
  /** The rank r that all adapters share. */
  readonly rank: number;
  /** Indices of the units that are live in some adapter, ascending. */
  readonly units: readonly number[];
  /** In canonical order, independent of the order of the inputs. Adapters without a live unit are left out. */
  readonly adapters: readonly AlignedAdapter[];
}

/** Align the adapters of a pool; they must be of equal rank. */
export function alignAdapters(pool: LiveUnits): Alignment {
  const adapters = new Map<number, AlignedAdapter>();
  for (const i of inOrder(canonicalPlaces(pool))) {
    const [input, unit] = pool.ids[i]!;
    if (adapters.has(input)) continue;
    const firstRow = pool.rows[i]! - unit;
    adapters.set(input, { input, firstRow, weight: pool.weights[i]!, scale: pool.scales[i]! });
  }
  const inputs = new Set([...pool.ids, ...pool.dead].map(([input]) => input)).size;
  const units = [...new Set(pool.ids.map(([, unit]) => unit))].sort((one, other) => one - other);
  return { rank: (pool.count + pool.dead.length) / inputs, units, adapters: [...adapters.values()] };
}

/** The stored rows of adapter t in a strip: (rank, length), row-major. */
export type UseBlock = (t: number, block: Float32Array, length: number, offset: number) => void;

/** Prepares the sparsification of one half of each adapter; the result zeroes and rescales blocks in place, in ascending columns. */
export type Sparsifier = (pool: LiveUnits, alignment: Alignment, half: "a" | "b") => Promise<UseBlock>;

/** Pass one half of each adapter to `use`, strip by strip in ascending columns: stored values, dead units as zeros. */
export async function visitAdapters(
  pool: LiveUnits,
  { rank, adapters }: Alignment,
  half: "a" | "b",
  use: UseBlock,
): Promise<void> {
  await pool.visitStored(half, (strip, length, offset) => {
    for (const [t, { firstRow }] of adapters.entries()) {
      use(t, strip.subarray(firstRow * length, (firstRow + rank) * length), length, offset);
    }
  });
}
