import type { ComposedFactor, FactorRef, PlainFactor, Strides } from "../adapter/adapter.ts";
import type { ByteSource } from "../core/bytes.ts";
import { bytesOf, type FactorDtype } from "../core/dtype.ts";
import { READ_ELEMENT } from "../core/elements.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { readComputed } from "./read-computed.ts";
import { compactStrides, copyElements, type Elements, readStrided } from "./read-strided.ts";

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
    const first = "pieces" in factor ? factor.pieces[0]!.factor : factor;
    const into = {
      bytes: room.subarray(0, entriesBytes(factor, count)),
      strides: stridesOf(first, factor.rank, count),
    };
    if ("pieces" in factor) await readPieces(files, factor, from, count, into);
    else await readPlain(files, factor, from, count, into);
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

/** The order of elements in memory: that of the file, as far as there is one. */
function stridesOf(factor: PlainFactor, rank: number, count: number): Strides {
  return "matrix" in factor ? { unit: count, entry: 1 } : compactStrides(factor.strides, rank, count);
}

/** Read entries from .. from + count of all units of a factor. */
function readPlain(
  files: readonly ByteSource[],
  factor: PlainFactor,
  from: number,
  count: number,
  into: Elements,
): Promise<void> {
  if ("matrix" in factor) return readComputed(files, factor, from, count, into);
  return readStrided(files, factor, from, count, into);
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
  for (const { factor, unit, entry, times, step = 1 } of pieces) {
    const first = Math.max(0, Math.ceil((from - entry) / step));
    const entries = Math.min(factor.size, Math.ceil((from + count - entry) / step)) - first;
    if (entries <= 0) continue;
    const bytes = new Uint8Array(entriesBytes(factor, entries));
    const own = { bytes, strides: stridesOf(factor, factor.rank, entries) };
    await readPlain(files, factor, first, entries, own);
    const at = unit * into.strides.unit + (entry + first * step - from) * into.strides.entry;
    const strides = { unit: into.strides.unit, entry: into.strides.entry * step };
    const place = { bytes: into.bytes.subarray(bytesOf(dtype) * at), strides };
    if (factor.dtype === dtype && Math.abs(times) === 1) {
      if (times < 0) negate(bytes, bytesOf(dtype));
      copyElements(bytesOf(dtype), own, place, factor.rank, entries);
    } else multiplyElements(factor.dtype, times, own, place, factor.rank, entries);
  }
}

/** Flip the sign of floats: the highest bit of each, whatever its type. */
function negate(bytes: Uint8Array, size: number): void {
  for (let at = size - 1; at < bytes.length; at += size) bytes[at]! ^= 0x80;
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
