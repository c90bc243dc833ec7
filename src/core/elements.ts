import { bytesOf, type FactorDtype, type OutputDtype } from "./dtype.ts";
import { bf16ToF32, f8E4m3ToF32, f8E5m2ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "./float-formats.ts";

/** The number that starts at a byte of a view, by its element type; little-endian and exact. */
export const READ_ELEMENT: Readonly<Record<FactorDtype, (view: DataView, at: number) => number>> = {
  F64: (view, at) => view.getFloat64(at, true),
  F32: (view, at) => view.getFloat32(at, true),
  F16: (view, at) => f16ToF32(view.getUint16(at, true)),
  BF16: (view, at) => bf16ToF32(view.getUint16(at, true)),
  F8_E4M3: (view, at) => f8E4m3ToF32(view.getUint8(at)),
  F8_E5M2: (view, at) => f8E5m2ToF32(view.getUint8(at)),
};

/** Whether tensors of this type can be widened to f32. */
export function isFactorDtype(name: string): name is FactorDtype {
  return Object.hasOwn(READ_ELEMENT, name);
}

/** Write an f32 at a byte of a view, rounded to the nearest, ties to even. @returns whether the written value is finite */
export const WRITE_ELEMENT: Readonly<Record<OutputDtype, (view: DataView, at: number, value: number) => boolean>> = {
  F32(view, at, value) {
    view.setFloat32(at, value, true);
    return Number.isFinite(value);
  },
  F16(view, at, value) {
    const bits = f32ToF16(value);
    view.setUint16(at, bits, true);
    return (bits & 0x7c00) !== 0x7c00;
  },
  BF16(view, at, value) {
    const bits = f32ToBf16(value);
    view.setUint16(at, bits, true);
    return (bits & 0x7f80) !== 0x7f80;
  },
};

/** Whether lora-lego writes numbers of this type. */
export function isOutputDtype(name: string): name is OutputDtype {
  return Object.hasOwn(WRITE_ELEMENT, name);
}

/** The bits that are all set in NaN and infinity, and in no other number. */
const NOT_FINITE: Readonly<Record<Exclude<FactorDtype, "F64">, number>> = {
  F32: 0x7f800000,
  F16: 0x7c00,
  BF16: 0x7f80,
  F8_E4M3: 0x7f,
  F8_E5M2: 0x7c,
};

/** Whether every number of these bytes is finite in f32. Only bits are compared, so this costs little next to copying them. */
export function allFinite(dtype: FactorDtype, bytes: Uint8Array): boolean {
  const size = bytesOf(dtype);
  // Typed arrays begin at a multiple of their elements' size.
  const { buffer, byteOffset, length } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const count = length / size;
  if (dtype === "F64") return new Float64Array(buffer, byteOffset, count).every(isFiniteF32);
  const words =
    size === 4
      ? new Uint32Array(buffer, byteOffset, count)
      : size === 2
        ? new Uint16Array(buffer, byteOffset, count)
        : bytes;
  const mask = NOT_FINITE[dtype];
  for (let i = 0; i < words.length; i++) if ((words[i]! & mask) === mask) return false;
  return true;
}

const isFiniteF32 = (value: number): boolean => Number.isFinite(Math.fround(value));
