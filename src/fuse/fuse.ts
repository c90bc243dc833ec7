import type { Adapter, AdapterModule } from "../adapter/adapter.ts";
import type { ByteSink, ByteSource } from "../core/bytes.ts";
import { bytesOf } from "../core/dtype.ts";
import { FormatError, RefusedError } from "../core/errors.ts";
import type { Kernels, RowSums } from "../kernels/kernels.ts";
import type { BaseModel } from "./base-model.ts";
import { outputScales, scaleOutputs } from "./dora.ts";
import type { FusedPart, FusedTensor, FusePlan } from "./fuse-plan.ts";

/** Bytes that are copied at once. */
const COPIED_BYTES = 4 << 20;
/** Bytes of f32 rows of the base that are fused at once. */
const SLAB_BYTES = 8 << 20;

/**
 * Write one shard of a fused model: the base's header and tensors, deltas added where the plan says so. The same ranges, so the index of
 * the shards stays as it is. Memory does not grow with the model: a slab of rows and one module's factors are held at a time.
 *
 * @param shard index of the shard
 * @throws RefusedError when a fused value leaves the range of its element type; FormatError for values that are not finite
 */
export async function fuseShard(
  kernels: Kernels,
  base: BaseModel,
  adapters: readonly Adapter[],
  plan: FusePlan,
  shard: number,
  sink: ByteSink,
  onFused: () => void = () => {},
  signal?: AbortSignal,
): Promise<void> {
  const { source, headerBytes } = base.shards[shard]!;
  await copy(source, 0, headerBytes, sink, 0);
  for (const tensor of base.tensors.values()) {
    if (tensor.file !== shard) continue;
    signal?.throwIfAborted();
    const fused = plan.fused.get(tensor.name);
    const replaced = plan.replaced.get(tensor.name);
    if (fused !== undefined) {
      await fuseTensor(kernels, source, adapters, fused, sink);
      onFused();
    } else if (replaced !== undefined) {
      const { tensor: own, input } = replaced;
      await copy(adapters[input]!.files[own.file]!, own.begin, own.end, sink, tensor.begin);
    } else await copy(source, tensor.begin, tensor.end, sink, tensor.begin);
  }
}

async function copy(source: ByteSource, begin: number, end: number, sink: ByteSink, to: number): Promise<void> {
  for (let from = begin; from < end; from += COPIED_BYTES) {
    const bytes = new Uint8Array(Math.min(COPIED_BYTES, end - from));
    await source.read(from, bytes);
    await sink.write(to + from - begin, bytes);
  }
}

/**
 * W' = W + sum over adapters and their units of (factor row[o]) column, one unit after the other: the coefficient, the product and the
 * sum each rounded to f32; the result rounded once to the base's element type. DoRA scales every output of W' to its magnitude before that.
 */
async function fuseTensor(
  kernels: Kernels,
  source: ByteSource,
  adapters: readonly Adapter[],
  fused: FusedTensor,
  sink: ByteSink,
): Promise<void> {
  const { tensor, columns } = fused;
  const element = bytesOf(tensor.dtype);
  const slabs = await fusedSlabs(kernels, source, adapters, fused);
  const scale = fused.magnitude === null ? null : await outputScales(adapters, fused, slabs);
  await slabs(async (rows, from, bytes) => {
    if (scale !== null) scaleOutputs(rows, columns, from, fused.parts[0]!.rowHalf === "b", scale);
    if (!(rows.every(Number.isFinite) && kernels.narrow(tensor.dtype, rows, bytes))) {
      throw new RefusedError(
        `${tensor.name} would have values that ${tensor.dtype.toLowerCase()} cannot hold; pass smaller weights or a smaller --scale.`,
      );
    }
    await sink.write(tensor.begin + element * from * columns, bytes);
  });
}

/** Hands out rows of W' in f32, in ascending order; `bytes` has room for them in the base's element type. */
export type FusedSlabs = (
  use: (rows: Float32Array, from: number, bytes: Uint8Array) => Promise<void> | void,
) => Promise<void>;

async function fusedSlabs(
  kernels: Kernels,
  source: ByteSource,
  adapters: readonly Adapter[],
  { tensor, rows, columns, parts }: FusedTensor,
): Promise<FusedSlabs> {
  const units = parts.reduce((sum, { module }) => sum + module.rank, 0);
  const slab = Math.max(1, Math.min(rows, Math.floor(SLAB_BYTES / (4 * columns))));
  const element = bytesOf(tensor.dtype);
  const largest = Math.max(...parts.map(({ module }) => Math.max(module.in, module.out) * module.rank));
  kernels.reset(
    4 * (2 * slab + units) * columns +
      element * slab * columns +
      4 * units * rows +
      8 * largest +
      12 * slab * (units + 1) +
      4096,
  );
  const along = kernels.f32(units * rows);
  // Rows of the base first, the units' columns behind them.
  const stacked = kernels.f32((slab + units) * columns);
  const raw = kernels.bytes(8 * largest);
  await readUnits(kernels, adapters, parts, raw, along, rows, stacked.subarray(slab * columns), columns);
  const fused = kernels.f32(slab * columns);
  const stored = kernels.bytes(element * slab * columns);
  const sums = rowSums(kernels, slab, units);
  return async (use) => {
    for (let from = 0; from < rows; from += slab) {
      const count = Math.min(slab, rows - from);
      const bytes = stored.subarray(0, element * count * columns);
      await source.read(tensor.begin + element * from * columns, bytes);
      if (!kernels.widen(tensor.dtype, bytes, columns, count, columns, stacked, columns, 1)) {
        throw new FormatError(
          `${source.name}: the tensor ${tensor.name} holds NaN or infinite values; repair the base model.`,
        );
      }
      const these = { ...sums, offsets: sums.offsets.subarray(0, count + 1) };
      fillCoefficients(these, along, rows, from, units, parts);
      kernels.combine(stacked, columns, columns, these, fused, columns);
      await use(fused.subarray(0, count * columns), from, bytes);
    }
  };
}

/** Sums of one row of the base and all units: member lists that stay as they are. */
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
  const factors = parts.flatMap(({ factor, module }) => Array<number>(module.rank).fill(factor));
  for (let o = 0; o + 1 < offsets.length; o++) {
    const at = o * (units + 1);
    coefficients[at] = 1;
    for (let i = 0; i < units; i++) coefficients[at + 1 + i] = Math.fround(factors[i]! * along[i * rows + from + o]!);
  }
}

/** Every unit's half along the rows of the base, (units, rows), and the other one along its columns, (units, columns). */
async function readUnits(
  kernels: Kernels,
  adapters: readonly Adapter[],
  parts: readonly FusedPart[],
  raw: Uint8Array,
  along: Float32Array,
  rows: number,
  across: Float32Array,
  columns: number,
): Promise<void> {
  let unit = 0;
  for (const { input, module, rowHalf } of parts) {
    const adapter = adapters[input]!;
    await readHalf(kernels, adapter, module, rowHalf, raw, along.subarray(unit * rows, (unit + module.rank) * rows));
    const other = rowHalf === "a" ? "b" : "a";
    await readHalf(
      kernels,
      adapter,
      module,
      other,
      raw,
      across.subarray(unit * columns, (unit + module.rank) * columns),
    );
    unit += module.rank;
  }
}

/** One half of a module as rows (rank, size) of f32. */
async function readHalf(
  kernels: Kernels,
  { name, files }: Adapter,
  module: AdapterModule,
  half: "a" | "b",
  raw: Uint8Array,
  into: Float32Array,
): Promise<void> {
  const { rank } = module;
  const { dtype, begin, file, units, name: key } = module[half];
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
