import type { Adapter, FactorRef } from "../adapter/adapter.ts";
import { bytesOf } from "../core/dtype.ts";
import { FormatError } from "../core/errors.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { FusedPart } from "./fuse-plan.ts";

/** Bytes that the largest half of some parts takes as it is stored. */
export function mostHalfBytes(parts: readonly FusedPart[]): number {
  const stored = parts.flatMap(({ along, across }) => (across === null ? [along] : [along, across]));
  return stored.reduce((most, { begin, end }) => Math.max(most, end - begin), 0);
}

/**
 * Every unit's half along the rows of a matrix, (units, rows), and the other one along its columns, (units, columns), in f32.
 *
 * @param raw memory for the largest half as it is stored
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
  const units = parts.reduce((sum, { rank }) => sum + rank, 0);
  const [rows, columns] = [along.length / units, across.length / units];
  let unit = 0;
  for (const part of parts) {
    const adapter = adapters[part.input]!;
    const { rank } = part;
    await readHalf(kernels, adapter, part.along, rank, raw, along.subarray(unit * rows, (unit + rank) * rows));
    const other = across.subarray(unit * columns, (unit + rank) * columns);
    if (part.across === null) other.fill(1);
    else await readHalf(kernels, adapter, part.across, rank, raw, other);
    unit += rank;
  }
}

/** One half of a module's units as rows (rank, size) of f32. */
async function readHalf(
  kernels: Kernels,
  { name, files }: Adapter,
  { dtype, begin, file, units, name: key }: FactorRef,
  rank: number,
  raw: Uint8Array,
  into: Float32Array,
): Promise<void> {
  const size = into.length / rank;
  const stored = raw.subarray(0, bytesOf(dtype) * rank * size);
  await files[file]!.read(begin, stored);
  const finite =
    units === "rows"
      ? kernels.widen(dtype, stored, size, rank, size, into, size, 1)
      : kernels.widenTransposed(dtype, stored, size, rank, into, size, 1);
  if (!finite) {
    throw new FormatError(
      `${name}: the tensor ${key} holds NaN or infinite values, so it cannot be fused; retrain or repair that adapter.`,
    );
  }
}
