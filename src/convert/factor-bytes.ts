import type { ByteSource } from "../core/bytes.ts";
import { bytesOf, type Dtype, type FactorDtype } from "../core/dtype.ts";
import { RefusedError } from "../core/errors.ts";
import { bf16ToF32, f8E4m3ToF32, f8E5m2ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "../core/float-formats.ts";
import type { FactorContent } from "./conversion.ts";

/**
 * The bytes of a factor as another format stores it, one factor in memory. Where nothing is multiplied, elements are moved as they are;
 * else they are multiplied in f32 and rounded once, to the nearest, ties to even.
 *
 * @param name of the tensor, for messages
 * @throws RefusedError when a product leaves the range of the element type
 */
export async function factorBytes(
  files: readonly ByteSource[],
  content: FactorContent,
  dtype: Dtype,
  name: string,
): Promise<Uint8Array> {
  const { factor, rank, size } = content;
  const stored = new Uint8Array(rank * size * bytesOf(factor.dtype));
  await files[factor.file]!.read(factor.begin, stored);
  const places = placesOf(content);
  if (dtype === factor.dtype && content.times === 1) return moved(stored, places, bytesOf(factor.dtype));
  return multiplied(stored, places, factor.dtype, dtype, content.times, name);
}

/** Where each element of the written matrix lies in the stored one, -1 for a zero. */
function placesOf({ factor, rank, size, units, writtenRank, entries }: FactorContent): Int32Array {
  const length = entries?.length ?? size;
  const places = new Int32Array(writtenRank * length).fill(-1);
  for (let unit = 0; unit < rank; unit++) {
    for (let x = 0; x < length; x++) {
      const entry = entries === null ? x : entries[x]!;
      const from = factor.units === "rows" ? unit * size + entry : entry * rank + unit;
      places[units === "rows" ? unit * length + x : x * writtenRank + unit] = from;
    }
  }
  return places;
}

function moved(stored: Uint8Array, places: Int32Array, element: number): Uint8Array {
  const out = new Uint8Array(places.length * element);
  for (let i = 0; i < places.length; i++) {
    const from = places[i]! * element;
    if (from < 0) continue;
    for (let k = 0; k < element; k++) out[i * element + k] = stored[from + k]!;
  }
  return out;
}

const DECODE: Readonly<Record<FactorDtype, (view: DataView, i: number) => number>> = {
  F64: (view, i) => view.getFloat64(8 * i, true),
  F32: (view, i) => view.getFloat32(4 * i, true),
  F16: (view, i) => f16ToF32(view.getUint16(2 * i, true)),
  BF16: (view, i) => bf16ToF32(view.getUint16(2 * i, true)),
  F8_E4M3: (view, i) => f8E4m3ToF32(view.getUint8(i)),
  F8_E5M2: (view, i) => f8E5m2ToF32(view.getUint8(i)),
};

function multiplied(
  stored: Uint8Array,
  places: Int32Array,
  from: FactorDtype,
  dtype: Dtype,
  times: number,
  name: string,
): Uint8Array {
  const decode = DECODE[from];
  const view = new DataView(stored.buffer);
  const values = new Float32Array(places.length);
  for (let i = 0; i < places.length; i++) if (places[i]! >= 0) values[i] = decode(view, places[i]!) * times;
  if (dtype === "F32") {
    if (values.every(Number.isFinite)) return new Uint8Array(values.buffer);
    throw outOfRange(name, dtype);
  }
  const encode = dtype === "F16" ? f32ToF16 : f32ToBf16;
  const infinity = dtype === "F16" ? 0x7c00 : 0x7f80;
  const bits = Uint16Array.from(values, encode);
  if (bits.some((word) => (word & infinity) === infinity)) throw outOfRange(name, dtype);
  return new Uint8Array(bits.buffer);
}

function outOfRange(name: string, dtype: Dtype): RefusedError {
  return new RefusedError(
    `${name} has values that are not finite, or that ${dtype.toLowerCase()} cannot hold with the scale folded in; resize the adapter with --dtype f32 first.`,
  );
}
