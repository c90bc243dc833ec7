import type { Adapter } from "../adapter/adapter.ts";
import { readNumbers } from "../adapter/tensor-values.ts";
import type { ByteSink, ByteSource } from "../core/bytes.ts";
import { bytesOf, type FactorDtype, type OutputDtype } from "../core/dtype.ts";
import { FormatError, RefusedError } from "../core/errors.ts";
import { elementCount } from "../core/shape.ts";
import type { Kernels, RowSums } from "../kernels/kernels.ts";
import { magnitudeScales, scaleRows } from "./dora.ts";
import type { ChangedTensor, FusedPart } from "./fuse-plan.ts";
import { mostHalfBytes, readUnits } from "./unit-halves.ts";

/** Bytes of f32 rows that are fused at once. */
const SLAB_BYTES = 8 << 20;

/**
 * Write a changed tensor: W' = W + sum over adapters and their units of (factor along[o]) across, one unit after another, with
 * coefficient, product and sum each rounded to f32. Then come DoRA's magnitudes, then new rows; the result is rounded once to the
 * tensor's element type.
 *
 * @param source that holds W
 * @param begin of the tensor in the sink
 * @throws RefusedError when a value leaves the range of its element type; FormatError for values that are not finite
 */
export async function fuseTensor(
  kernels: Kernels,
  source: ByteSource,
  adapters: readonly Adapter[],
  change: ChangedTensor,
  begin: number,
  sink: ByteSink,
): Promise<void> {
  const { name, shape } = change;
  const dtype = change.dtype as OutputDtype;
  const columns = elementCount(shape.slice(1));
  const fused = await fusedRows(kernels, source, adapters, change);
  const fresh = await newRows(adapters, change, columns);
  await fused(async (values, from, _, bytes) => {
    for (let o = 0; o * columns < values.length; o++) {
      const row = fresh.get(from + o);
      if (row !== undefined) values.set(row, o * columns);
    }
    if (!(values.every(Number.isFinite) && kernels.narrow(dtype, values, bytes))) {
      throw new RefusedError(
        change.parts.length === 0
          ? `${name} would have values that ${dtype.toLowerCase()}, the base's type, cannot hold; pass the base model in f32 or bf16.`
          : `${name} would have values that ${dtype.toLowerCase()} cannot hold; pass smaller weights or a smaller --scale.`,
      );
    }
    await sink.write(begin + bytesOf(dtype) * from * columns, bytes);
  });
}

/**
 * The rows of W', DoRA's magnitudes applied, before new rows take their places and before they are rounded to the tensor's type.
 *
 * @param source that holds W
 */
export async function fusedRows(
  kernels: Kernels,
  source: ByteSource,
  adapters: readonly Adapter[],
  change: ChangedTensor,
): Promise<FusedRows> {
  const { shape, magnitude } = change;
  const columns = elementCount(shape.slice(1));
  const slabs = await fusedSlabs(kernels, source, adapters, change, shape[0] ?? 1, columns);
  if (magnitude === null) return slabs;
  const scales = await scalesOf(adapters, magnitude, columns, slabs);
  return (use) =>
    slabs((values, from, before, bytes) => {
      scaleRows(values, columns, from, magnitude, scales);
      return use(values, from, before, bytes);
    });
}

async function scalesOf(
  adapters: readonly Adapter[],
  magnitude: NonNullable<ChangedTensor["magnitude"]>,
  columns: number,
  slabs: FusedRows,
): Promise<Float64Array> {
  const { name, files } = adapters[magnitude.input]!;
  return magnitudeScales(await readNumbers(name, files, magnitude.tensor), magnitude, columns, slabs);
}

/** The rows that replace the tensor's own, by their numbers. */
async function newRows(
  adapters: readonly Adapter[],
  { rows }: ChangedTensor,
  columns: number,
): Promise<Map<number, Float64Array>> {
  const found = new Map<number, Float64Array>();
  for (const { input, tensor, indices } of rows) {
    const { name, files } = adapters[input]!;
    const values = await readNumbers(name, files, tensor);
    for (const [i, index] of indices.entries()) found.set(index, values.subarray(i * columns, (i + 1) * columns));
  }
  return found;
}

/** Calls back with rows of W' and of W in f32, in ascending order; `bytes` has room for them in the written element type. */
export type FusedRows = (
  use: (rows: Float32Array, from: number, before: Float32Array, bytes: Uint8Array) => Promise<void> | void,
) => Promise<void>;

async function fusedSlabs(
  kernels: Kernels,
  source: ByteSource,
  adapters: readonly Adapter[],
  { dtype, origin, parts }: ChangedTensor,
  rows: number,
  columns: number,
): Promise<FusedRows> {
  const { tensor } = origin;
  const stored = tensor.dtype as FactorDtype;
  const [element, written] = [bytesOf(stored), bytesOf(dtype as OutputDtype)];
  const units = parts.reduce((sum, { along }) => sum + along.rank, 0);
  const slab = Math.max(1, Math.min(rows, Math.floor(SLAB_BYTES / (4 * columns))));
  const halfBytes = mostHalfBytes(parts);
  kernels.reset(
    4 * (2 * slab + units) * columns +
      (element + written) * slab * columns +
      4 * units * rows +
      halfBytes +
      12 * slab * (units + 1) +
      4096,
  );
  const along = kernels.f32(units * rows);
  // Rows of the tensor first, then the units' columns.
  const stacked = kernels.f32((slab + units) * columns);
  if (units > 0) {
    await readUnits(kernels, adapters, parts, kernels.bytes(halfBytes), along, stacked.subarray(slab * columns));
  }
  const fused = kernels.f32(slab * columns);
  const read = kernels.bytes(element * slab * columns);
  const bytes = kernels.bytes(written * slab * columns);
  const sums = rowSums(kernels, slab, units);
  return async (use) => {
    for (let from = 0; from < rows; from += slab) {
      const count = Math.min(slab, rows - from);
      const own = read.subarray(0, element * count * columns);
      await source.read(tensor.begin + element * from * columns, own);
      if (!kernels.widen(stored, own, columns, count, columns, stacked, columns, 1)) {
        throw new FormatError(
          `${source.name}: the tensor ${tensor.name} holds values that are NaN, infinite or beyond f32; repair it.`,
        );
      }
      const these = { ...sums, offsets: sums.offsets.subarray(0, count + 1) };
      fillCoefficients(these, along, rows, from, units, parts);
      kernels.combine(stacked, columns, columns, these, fused, columns);
      const size = count * columns;
      await use(fused.subarray(0, size), from, stacked.subarray(0, size), bytes.subarray(0, written * size));
    }
  };
}

/** The member lists, always the same, that sum one row of the tensor and all units. */
function rowSums(kernels: Kernels, slab: number, units: number): RowSums {
  const offsets = kernels.u32(slab + 1);
  const members = kernels.u32(slab * (units + 1));
  const coefficients = kernels.f32(slab * (units + 1));
  for (let o = 0; o < slab; o++) {
    offsets[o] = o * (units + 1);
    members[o * (units + 1)] = o;
    for (let i = 0; i < units; i++) members[o * (units + 1) + 1 + i] = slab + i;
  }
  offsets[slab] = slab * (units + 1);
  return { offsets, members, coefficients };
}

function fillCoefficients(
  { offsets, coefficients }: RowSums,
  along: Float32Array,
  rows: number,
  from: number,
  units: number,
  parts: readonly FusedPart[],
): void {
  const factors = parts.flatMap(({ factor, along: { rank } }) => Array<number>(rank).fill(factor));
  for (let o = 0; o + 1 < offsets.length; o++) {
    const at = o * (units + 1);
    coefficients[at] = 1;
    for (let i = 0; i < units; i++) coefficients[at + 1 + i] = Math.fround(factors[i]! * along[i * rows + from + o]!);
  }
}
