import type { ComposedFactor, FactorRef, StridedFactor, Strides } from "../adapter/adapter.ts";
import type { ByteSource } from "../core/bytes.ts";
import { bytesOf, type FactorDtype } from "../core/dtype.ts";
import { READ_ELEMENT } from "../core/elements.ts";
import type { Kernels } from "../kernels/kernels.ts";

/** Bytes of a file that are read at once to pick elements from. */
const SPAN_BYTES = 2 ** 20;

/** Bytes of `count` stored entries of all units of a factor. */
export function entriesBytes({ dtype, rank }: FactorRef, count: number): number {
  return rank * count * bytesOf(dtype);
}

/** Some entries of all units of a factor in memory, in the factor's element type. */
export class StoredEntries {
  readonly factor: FactorRef;
  /** Entries of each unit. */
  readonly count: number;
  readonly bytes: Uint8Array;
  /** Strides of `bytes`: unit after unit, or entry after entry, whichever is closer to the file's order. */
  readonly strides: Strides;

  private constructor(factor: FactorRef, count: number, { bytes, strides }: Elements) {
    this.factor = factor;
    this.count = count;
    this.bytes = bytes;
    this.strides = strides;
  }

  /**
   * Read entries from .. from + count of all units.
   *
   * @param files the files that the factor's index refers to
   * @param room buffer of at least `entriesBytes`
   */
  static async read(
    files: readonly ByteSource[],
    factor: FactorRef,
    from: number,
    count: number,
    room: Uint8Array = new Uint8Array(entriesBytes(factor, count)),
  ): Promise<StoredEntries> {
    const { strides } = "pieces" in factor ? factor.pieces[0]!.factor : factor;
    const into = {
      bytes: room.subarray(0, entriesBytes(factor, count)),
      strides: compactStrides(strides, factor.rank, count),
    };
    if ("pieces" in factor) await readPieces(files, factor, from, count, into);
    else await readStrided(files, factor, from, count, into);
    return new StoredEntries(factor, count, into);
  }

  /**
   * Entries at .. at + length of every unit as rows (rank, length) of f32 in kernel memory, where `bytes` must be too.
   *
   * @param times factor of the entries, in f32
   * @returns whether every value was finite and stayed finite
   */
  widen(kernels: Kernels, at: number, length: number, into: Float32Array, times: number): boolean {
    const { dtype, rank } = this.factor;
    const { unit, entry } = this.strides;
    const from = this.bytes.subarray(bytesOf(dtype) * at * entry);
    return entry === 1
      ? kernels.widen(dtype, from, unit, rank, length, into, length, times)
      : kernels.widenTransposed(dtype, from, length, rank, into, length, times);
  }
}

/** Elements in memory. */
interface Elements {
  readonly bytes: Uint8Array;
  readonly strides: Strides;
}

function compactStrides(stored: Strides, rank: number, count: number): Strides {
  return stored.entry <= stored.unit ? { unit: count, entry: 1 } : { unit: 1, entry: rank };
}

/** Read entries from .. from + count of all units; only this function knows where in a file a factor's elements are. */
async function readStrided(
  files: readonly ByteSource[],
  { file, rank, dtype, begin, offset, strides }: StridedFactor,
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

/** The same of a composed factor: zeros, and over them the part of each piece that is asked for. */
async function readPieces(
  files: readonly ByteSource[],
  { dtype, pieces }: ComposedFactor,
  from: number,
  count: number,
  into: Elements,
): Promise<void> {
  into.bytes.fill(0);
  for (const { factor, unit, entry, times } of pieces) {
    const first = Math.max(from, entry);
    const entries = Math.min(from + count, entry + factor.size) - first;
    if (entries <= 0) continue;
    const bytes = new Uint8Array(entriesBytes(factor, entries));
    const own = { bytes, strides: compactStrides(factor.strides, factor.rank, entries) };
    await readStrided(files, factor, first - entry, entries, own);
    const at = unit * into.strides.unit + (first - from) * into.strides.entry;
    const place = { bytes: into.bytes.subarray(bytesOf(dtype) * at), strides: into.strides };
    if (factor.dtype === dtype && times === 1) copyElements(bytesOf(dtype), own, place, factor.rank, entries);
    else multiplyElements(factor.dtype, times, own, place, factor.rank, entries);
  }
}

/** Copy elements as f32, multiplied and rounded once. */
function multiplyElements(
  dtype: FactorDtype,
  times: number,
  from: Elements,
  into: Elements,
  units: number,
  entries: number,
): void {
  const views = [from, into].map(({ bytes }) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const [source, target] = views as [DataView, DataView];
  for (let unit = 0; unit < units; unit++) {
    for (let x = 0; x < entries; x++) {
      const at = bytesOf(dtype) * (unit * from.strides.unit + x * from.strides.entry);
      const value = READ_ELEMENT[dtype](source, at) * times;
      target.setFloat32(4 * (unit * into.strides.unit + x * into.strides.entry), value, true);
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
