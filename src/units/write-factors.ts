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

/** Kernel memory that `writeFactors` and `countUnderflows` take, in bytes. */
export function writingBytes({ dtype, in: inputs, out, rank }: Omit<WrittenFactors, "a" | "b">): number {
  return bytesOf(dtype) * rank * Math.max(inputs, out) + 4 * rank * out + 32 * rank + 1024;
}

/** Encode and write merged units. @returns false if a value is not finite, or not in range of the element type */
export async function writeFactors(
  kernels: Kernels,
  { count, a, b }: UnitRows,
  { dtype, in: inputs, out, rank, ...begin }: WrittenFactors,
  sink: ByteSink,
): Promise<boolean> {
  if (![...largestEntries(kernels, a, count, inputs), ...largestEntries(kernels, b, count, out)].every(Number.isFinite))
    return false;
  const bytes = kernels.bytes(bytesOf(dtype) * rank * Math.max(inputs, out));
  const bytesOfA = bytes.subarray(0, bytesOf(dtype) * rank * inputs);
  const used = bytesOf(dtype) * count * inputs;
  if (!kernels.narrow(dtype, a, bytesOfA.subarray(0, used))) return false;
  bytesOfA.fill(0, used);
  await sink.write(begin.a.begin, bytesOfA);
  const bytesOfB = bytes.subarray(0, bytesOf(dtype) * rank * out);
  const padded = count === rank ? b : kernels.f32(rank * out).fill(0);
  if (count < rank) padded.set(b);
  if (!kernels.narrowTransposed(dtype, padded, rank, out, out, bytesOfB)) return false;
  await sink.write(begin.b.begin, bytesOfB);
  return true;
}

/** How many units have a half that is not zero but rounds to zero in the element type. */
export function countUnderflows(
  kernels: Kernels,
  { count, a, b }: UnitRows,
  { dtype, in: inputs, out }: WrittenFactors,
): number {
  if (dtype === "F32") return 0;
  const lost = (largest: number): boolean => largest > 0 && largest <= HALF_LEAST[dtype];
  const ofB = [...largestEntries(kernels, b, count, out)];
  return [...largestEntries(kernels, a, count, inputs)].filter((largest, c) => lost(largest) || lost(ofB[c]!)).length;
}

/** The largest |entry| of each row. */
function largestEntries(kernels: Kernels, rows: Float32Array, count: number, columns: number): Float64Array {
  const largest = kernels.f64(count);
  kernels.maxAbs(rows, count, columns, columns, largest);
  return largest;
}
