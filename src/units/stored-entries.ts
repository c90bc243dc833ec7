import type { FactorRef, Strides } from "../adapter/adapter.ts";
import type { ByteSource } from "../core/bytes.ts";
import { bytesOf } from "../core/dtype.ts";
import type { Kernels } from "../kernels/kernels.ts";

/** Bytes of a file that are read at once to pick elements from. */
const SPAN_BYTES = 2 ** 20;

/** Bytes of `count` stored entries of all units of a factor. */
export function entriesBytes({ dtype, rank }: FactorRef, count: number): number {
  return rank * count * bytesOf(dtype);
}

/** Some entries of all units of a factor in memory, in the file's element type. Only this class knows where a factor's elements are. */
export class StoredEntries {
  readonly factor: FactorRef;
  /** Entries of each unit. */
  readonly count: number;
  readonly bytes: Uint8Array;
  /** Strides of `bytes`: unit after unit, or entry after entry, whichever is closer to the file's order. */
  readonly strides: Strides;

  private constructor(factor: FactorRef, count: number, bytes: Uint8Array) {
    const { rank, strides } = factor;
    this.factor = factor;
    this.count = count;
    this.bytes = bytes;
    this.strides = strides.entry <= strides.unit ? { unit: count, entry: 1 } : { unit: 1, entry: rank };
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
    const stored = new StoredEntries(factor, count, room.subarray(0, entriesBytes(factor, count)));
    await stored.#read(files[factor.file]!, from);
    return stored;
  }

  async #read(file: ByteSource, from: number): Promise<void> {
    const { rank, dtype, begin, offset, strides } = this.factor;
    const element = bytesOf(dtype);
    const placeOf = (unit: number, entry: number): number =>
      begin + element * (offset + unit * strides.unit + (from + entry) * strides.entry);
    if (this.strides.unit === strides.unit && this.strides.entry === strides.entry) {
      return file.read(placeOf(0, 0), this.bytes);
    }
    // Interleaved units are read together, others one by one; a unit without gaps is read directly into its place.
    const together = strides.unit < strides.entry ? rank : 1;
    const most = strides.entry === 1 ? this.count : Math.max(1, Math.floor(SPAN_BYTES / (element * strides.entry)));
    for (let unit = 0; unit < rank; unit += together) {
      for (let entry = 0; entry < this.count; entry += most) {
        const entries = Math.min(most, this.count - entry);
        const into = this.bytes.subarray(element * (unit * this.strides.unit + entry * this.strides.entry));
        const span = element * ((together - 1) * strides.unit + (entries - 1) * strides.entry + 1);
        const read = strides.entry === 1 ? into.subarray(0, span) : new Uint8Array(span);
        await file.read(placeOf(unit, entry), read);
        if (strides.entry > 1) {
          copyElements(element, { bytes: read, strides }, { bytes: into, strides: this.strides }, together, entries);
        }
      }
    }
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
