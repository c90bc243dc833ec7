import type { ByteSource } from "../core/bytes.ts";
import { bitsOf, type Dtype } from "../core/dtype.ts";
import { FormatError } from "../core/errors.ts";
import { bf16ToF32, f16ToF32 } from "../core/float-formats.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import type { TensorRef } from "./adapter.ts";

/** Bytes that are compared at once. */
const COMPARED_BYTES = 1 << 20;

/** Whether two tensors of an adapter hold the same bytes in the same shape. */
export async function sameTensor(files: readonly ByteSource[], one: TensorRef, other: TensorRef): Promise<boolean> {
  if (one.dtype !== other.dtype || one.shape.join() !== other.shape.join()) return false;
  const length = one.end - one.begin;
  for (let from = 0; from < length; from += COMPARED_BYTES) {
    const [p, q] = [
      new Uint8Array(Math.min(COMPARED_BYTES, length - from)),
      new Uint8Array(Math.min(COMPARED_BYTES, length - from)),
    ];
    await files[one.file]!.read(one.begin + from, p);
    await files[other.file]!.read(other.begin + from, q);
    for (let i = 0; i < p.length; i++) if (p[i] !== q[i]) return false;
  }
  return true;
}

const SCALARS: Partial<Record<Dtype, (view: DataView) => number>> = {
  F64: (view) => view.getFloat64(0, true),
  F32: (view) => view.getFloat32(0, true),
  F16: (view) => f16ToF32(view.getUint16(0, true)),
  BF16: (view) => bf16ToF32(view.getUint16(0, true)),
  I64: (view) => Number(view.getBigInt64(0, true)),
  I32: (view) => view.getInt32(0, true),
};

/**
 * The value of a tensor of one element.
 *
 * @param name of the adapter, for messages
 * @throws FormatError when it has several elements, another type than numbers are stored in, or is not finite
 */
export async function readScalar(name: string, files: readonly ByteSource[], tensor: TensorRef): Promise<number> {
  const decode = SCALARS[tensor.dtype];
  if (elementCount(tensor.shape) !== 1 || decode === undefined) {
    throw new FormatError(
      `${name}: ${tensor.name} is ${tensor.dtype} ${formatShape(tensor.shape)}, but must be one number; save the adapter again.`,
    );
  }
  const bytes = new Uint8Array(bitsOf(tensor.dtype) / 8);
  await files[tensor.file]!.read(tensor.begin, bytes);
  const value = decode(new DataView(bytes.buffer));
  if (Number.isFinite(value)) return value;
  throw new FormatError(`${name}: ${tensor.name} is ${value}, but must be a finite number; repair that adapter.`);
}
