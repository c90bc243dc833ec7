import type { StridedFactor, Strides } from "../adapter/adapter.ts";
import type { ByteSource } from "../core/bytes.ts";
import { bytesOf } from "../core/dtype.ts";
import { heldTensor } from "./held-tensors.ts";

/** Bytes of a file that are read at once to pick elements from. */
const SPAN_BYTES = 2 ** 20;

/** Elements in memory. */
export interface Elements {
  readonly bytes: Uint8Array;
  readonly strides: Strides;
}

/** Strides without gaps: unit after unit, or entry after entry, whichever is closer to the order as stored. */
export function compactStrides(stored: Strides, rank: number, count: number): Strides {
  return stored.entry <= stored.unit ? { unit: count, entry: 1 } : { unit: 1, entry: rank };
}

/** Read entries from .. from + count of all units; only this function knows where in a file a factor's elements are. */
export async function readStrided(
  files: readonly ByteSource[],
  { file, rank, dtype, begin, end, offset, strides }: StridedFactor,
  from: number,
  count: number,
  into: Elements,
): Promise<void> {
  const element = bytesOf(dtype);
  const source = files[file]!;
  const placeOf = (unit: number, entry: number): number =>
    begin + element * (offset + unit * strides.unit + (from + entry) * strides.entry);
  if (into.strides.unit === strides.unit && into.strides.entry === strides.entry) {
    return source.read(placeOf(0, 0), into.bytes);
  }
  // Elements with others between them in both directions are picked from the whole tensor, whose other elements other factors need.
  const whole = Math.min(strides.unit, strides.entry) > 1 ? await heldTensor(source, begin, end) : null;
  if (whole !== null) {
    const stored = { bytes: whole.subarray(placeOf(0, 0) - begin), strides };
    return copyElements(element, stored, into, rank, count);
  }
  // Interleaved units are read together, others one by one; a unit without gaps is read directly into its place.
  const together = strides.unit < strides.entry ? rank : 1;
  const most = strides.entry === 1 ? count : Math.max(1, Math.floor(SPAN_BYTES / (element * strides.entry)));
  for (let unit = 0; unit < rank; unit += together) {
    for (let entry = 0; entry < count; entry += most) {
      const entries = Math.min(most, count - entry);
      const place = into.bytes.subarray(element * (unit * into.strides.unit + entry * into.strides.entry));
      const span = element * ((together - 1) * strides.unit + (entries - 1) * strides.entry + 1);
      const read = strides.entry === 1 ? place.subarray(0, span) : new Uint8Array(span);
      await source.read(placeOf(unit, entry), read);
      if (strides.entry > 1) {
        copyElements(element, { bytes: read, strides }, { bytes: place, strides: into.strides }, together, entries);
      }
    }
  }
}

/** Copy elements of `element` bytes each: entry `order[x]` of each unit becomes its entry x. */
export function copyElements(
  element: number,
  from: Elements,
  into: Elements,
  units: number,
  entries: number,
  order: Int32Array | null = null,
): void {
  for (let unit = 0; unit < units; unit++) {
    for (let x = 0; x < entries; x++) {
      const source = element * (unit * from.strides.unit + (order === null ? x : order[x]!) * from.strides.entry);
      const place = element * (unit * into.strides.unit + x * into.strides.entry);
      for (let k = 0; k < element; k++) into.bytes[place + k] = from.bytes[source + k]!;
    }
  }
}
