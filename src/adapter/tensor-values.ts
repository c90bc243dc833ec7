import { type ByteSink, type ByteSource, bytesEqual } from "../core/bytes.ts";
import { bytesOf, type Dtype } from "../core/dtype.ts";
import { allFinite, isFactorDtype, READ_ELEMENT } from "../core/elements.ts";
import { FormatError } from "../core/errors.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import type { TensorRef } from "./read-adapter.ts";

/** Bytes that are compared or copied at once. */
const BYTES_AT_ONCE = 1 << 20;
/** Bytes that are compared first: most tensors differ there. */
const FIRST_BYTES = 1 << 12;

/** A tensor, and the files that its own is among. */
interface PlacedTensor {
  readonly files: readonly ByteSource[];
  readonly tensor: TensorRef;
}

/** Whether two tensors hold the same bytes in the same shape. */
export async function sameTensor(one: PlacedTensor, other: PlacedTensor): Promise<boolean> {
  const [first, second] = [one.tensor, other.tensor];
  if (first.dtype !== second.dtype || first.shape.join() !== second.shape.join()) return false;
  const length = first.end - first.begin;
  for (let from = 0, most = FIRST_BYTES; from < length; from += most, most = BYTES_AT_ONCE) {
    const p = new Uint8Array(Math.min(most, length - from));
    const q = new Uint8Array(p.length);
    await one.files[first.file]!.read(first.begin + from, p);
    await other.files[second.file]!.read(second.begin + from, q);
    if (!bytesEqual(p, q)) return false;
  }
  return true;
}

/**
 * The error of values that cannot be computed with.
 *
 * @param name of the adapter
 * @param done what therefore cannot be done with it
 * @param way out of it
 */
export function notFinite(name: string, tensor: { readonly name: string }, done: string, way: string): FormatError {
  return new FormatError(
    `${name}: the tensor ${tensor.name} holds NaN or infinite values (or values beyond f32), so it cannot be ${done}; ${way}.`,
  );
}

/** Whether all numbers of a tensor are finite in f32; other types than floats are. */
export async function isAllFinite(
  files: readonly ByteSource[],
  { dtype, file, begin, end }: TensorRef,
): Promise<boolean> {
  if (!isFactorDtype(dtype)) return true;
  for (let from = begin; from < end; from += BYTES_AT_ONCE) {
    const bytes = new Uint8Array(Math.min(BYTES_AT_ONCE, end - from));
    await files[file]!.read(from, bytes);
    if (!allFinite(dtype, bytes)) return false;
  }
  return true;
}

/**
 * Copy a tensor's bytes to `begin` of a sink.
 *
 * @param name of the adapter, for messages
 * @throws FormatError for floats that are not finite
 */
export async function copyTensor(
  name: string,
  files: readonly ByteSource[],
  tensor: TensorRef,
  begin: number,
  sink: ByteSink,
): Promise<void> {
  for (let from = tensor.begin; from < tensor.end; from += BYTES_AT_ONCE) {
    const bytes = new Uint8Array(Math.min(BYTES_AT_ONCE, tensor.end - from));
    await files[tensor.file]!.read(from, bytes);
    if (isFactorDtype(tensor.dtype) && !allFinite(tensor.dtype, bytes)) {
      throw notFinite(name, tensor, "written", "pass --extras drop, or repair it");
    }
    await sink.write(begin + from - tensor.begin, bytes);
  }
}

const { F64, F32, F16, BF16 } = READ_ELEMENT;

/** How numbers besides the factors may be stored: not in 8 bits, which mean little without scales. */
const READ_NUMBER: Partial<Record<Dtype, (view: DataView, at: number) => number>> = {
  F64,
  F32,
  F16,
  BF16,
  I64: (view, at) => Number(view.getBigInt64(at, true)),
  I32: (view, at) => view.getInt32(at, true),
};

/**
 * The value of a tensor of one element.
 *
 * @param name of the adapter, for messages
 * @throws FormatError when it has several elements, a type not in `READ_NUMBER`, or is not finite
 */
export async function readScalar(name: string, files: readonly ByteSource[], tensor: TensorRef): Promise<number> {
  if (elementCount(tensor.shape) === 1 && READ_NUMBER[tensor.dtype] !== undefined) {
    return (await readNumbers(name, files, tensor))[0]!;
  }
  throw new FormatError(
    `${name}: ${tensor.name} is ${tensor.dtype} ${formatShape(tensor.shape)}, but must be one number; save the adapter again.`,
  );
}

/**
 * The values of a small tensor.
 *
 * @throws FormatError when their type is not in `READ_NUMBER`, or they are not finite
 */
export async function readNumbers(
  name: string,
  files: readonly ByteSource[],
  { name: key, dtype, file, begin, end }: TensorRef,
): Promise<Float64Array> {
  const read = READ_NUMBER[dtype];
  if (read === undefined) {
    throw new FormatError(
      `${name}: ${key} is stored as ${dtype}, which lora-lego does not read as numbers; save it again as F32, F16 or BF16.`,
    );
  }
  const bytes = new Uint8Array(end - begin);
  await files[file]!.read(begin, bytes);
  const view = new DataView(bytes.buffer);
  const size = bytesOf(dtype);
  const values = Float64Array.from({ length: bytes.length / size }, (_, i) => read(view, i * size));
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad === undefined) return values;
  throw new FormatError(`${name}: ${key} holds ${bad}, but must be finite; repair that file.`);
}
