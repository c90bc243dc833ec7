import type { ByteSink } from "../core/bytes.ts";
import { bytesOf, type OutputDtype } from "../core/dtype.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { UnitRows } from "./unit-rows.ts";

/** Half of the smallest positive number of each element type; values up to this round to zero. */
const HALF_LEAST: Readonly<Record<OutputDtype, number>> = { F32: 0, F16: 2 ** -25, BF16: 2 ** -134 };

/** How the factors A (rank, in) and B (out, rank) of a module are written, and where each begins. */
export interface WrittenFactors {
  readonly dtype: OutputDtype;
  readonly in: number;
  readonly out: number;
  /** Fewer units are padded with zero units. */
  readonly rank: number;
  readonly a: { readonly begin: number };
  readonly b: { readonly begin: number };
}

/** Kernel memory that `writeFactors` takes, in bytes. */
export function writingBytes({ dtype, in: inputs, out, rank }: Omit<WrittenFactors, "a" | "b">): number {
  return bytesOf(dtype) * rank * Math.max(inputs, out) + 4 * rank * out + 32 * rank + 1024;
}

/** The largest |entry| of each unit's a-half and b-half. Plain data. */
export interface LargestEntries {
  readonly a: Float64Array;
  readonly b: Float64Array;
}

function largestEntries(kernels: Kernels, { count, a, b }: UnitRows, inputs: number, out: number): LargestEntries {
  const largest = (rows: Float32Array, columns: number): Float64Array => {
    const found = kernels.f64(count);
    kernels.maxAbs(rows, count, columns, columns, found);
    return found.slice();
  };
  return { a: largest(a, inputs), b: largest(b, out) };
}

/**
 * Encode and write merged units.
 *
 * @param sinkOfB where B goes, if not where A does
 * @returns null if a value is not finite, or not in range of the element type
 */
export async function writeFactors(
  kernels: Kernels,
  rows: UnitRows,
  { dtype, in: inputs, out, rank, ...begin }: WrittenFactors,
  sink: ByteSink,
  sinkOfB: ByteSink = sink,
): Promise<LargestEntries | null> {
  const { count, a, b } = rows;
  const largest = largestEntries(kernels, rows, inputs, out);
  if (![...largest.a, ...largest.b].every(Number.isFinite)) return null;
  const bytes = kernels.bytes(bytesOf(dtype) * rank * Math.max(inputs, out));
  const bytesOfA = bytes.subarray(0, bytesOf(dtype) * rank * inputs);
  const used = bytesOf(dtype) * count * inputs;
  if (!kernels.narrow(dtype, a, bytesOfA.subarray(0, used))) return null;
  bytesOfA.fill(0, used);
  await sink.write(begin.a.begin, bytesOfA);
  const bytesOfB = bytes.subarray(0, bytesOf(dtype) * rank * out);
  const padded = count === rank ? b : kernels.f32(rank * out).fill(0);
  padded.set(b);
  if (!kernels.narrowTransposed(dtype, padded, rank, out, out, bytesOfB)) return null;
  await sinkOfB.write(begin.b.begin, bytesOfB);
  return largest;
}

/**
 * How many units have a half that is not zero but rounds to zero in the element type.
 *
 * @param half factors by which the halves are multiplied before they are written
 */
export function countUnderflows(
  { a, b }: LargestEntries,
  dtype: OutputDtype,
  half: { readonly a: number; readonly b: number } = { a: 1, b: 1 },
): number {
  if (dtype === "F32") return 0;
  const lost = (largest: number, factor: number): boolean =>
    largest > 0 && Math.fround(largest * Math.abs(factor)) <= HALF_LEAST[dtype];
  return a.reduce((sum, largest, c) => sum + Number(lost(largest, half.a) || lost(b[c]!, half.b)), 0);
}
