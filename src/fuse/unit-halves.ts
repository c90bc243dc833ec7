import type { Adapter, FactorRef } from "../adapter/adapter.ts";
import { notFinite } from "../adapter/tensor-values.ts";
import { maximum } from "../core/maximum.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { entriesBytes, StoredEntries } from "../units/stored-entries.ts";
import type { FusedPart } from "./fuse-plan.ts";

/** Bytes of the largest half of these parts, as stored. */
export function mostHalfBytes(parts: readonly FusedPart[]): number {
  const halves = parts.flatMap(({ along, across }) => (across === null ? [along] : [along, across]));
  return Math.max(0, maximum(halves.map((half) => entriesBytes(half, half.size))));
}

/**
 * Every unit's half along the rows of a matrix, (units, rows), and the other one along its columns, (units, columns), in f32.
 *
 * @param raw memory for the largest half as stored
 * @throws FormatError for values that are not finite
 */
export async function readUnits(
  kernels: Kernels,
  adapters: readonly Adapter[],
  parts: readonly FusedPart[],
  raw: Uint8Array,
  along: Float32Array,
  across: Float32Array,
): Promise<void> {
  const units = parts.reduce((sum, { along: { rank } }) => sum + rank, 0);
  const [rows, columns] = [along.length / units, across.length / units];
  let unit = 0;
  for (const part of parts) {
    const adapter = adapters[part.input]!;
    const end = unit + part.along.rank;
    await readHalf(kernels, adapter, part.along, raw, along.subarray(unit * rows, end * rows));
    const other = across.subarray(unit * columns, end * columns);
    if (part.across === null) other.fill(1);
    else await readHalf(kernels, adapter, part.across, raw, other);
    unit = end;
  }
}

/** One half of a module's units as rows of f32. */
async function readHalf(
  kernels: Kernels,
  { name, files }: Adapter,
  half: FactorRef,
  raw: Uint8Array,
  into: Float32Array,
): Promise<void> {
  const stored = await StoredEntries.read(files, half, 0, half.size, raw);
  if (stored.widen(kernels, 0, half.size, into, 1)) return;
  throw notFinite(name, half, "fused", "retrain or repair that adapter");
}
