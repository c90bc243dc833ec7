import type { Kernels } from "../../kernels/kernels.ts";

/** Values that are merged element by element: a factor, a dense delta, or a piece of one. */
export type Values = Float32Array | Float64Array;

/**
 * Which entries of a tensor are its largest: those above a magnitude, and the first `ties` (in index order) that equal it. Applied to
 * the tensor's pieces one after the other.
 */
export class MagnitudeCut {
  readonly threshold: number;
  #ties: number;

  constructor(threshold: number, ties: number) {
    this.threshold = threshold;
    this.#ties = ties;
  }

  /** Whether the next entry of the tensor, in index order, is kept. */
  keeps(value: number): boolean {
    const magnitude = Math.abs(value);
    if (magnitude !== this.threshold) return magnitude > this.threshold;
    return this.#ties-- > 0;
  }

  /**
   * Zero the entries of the tensor's next piece that are not kept. Of a piece of several rows the tensor holds one column after the other.
   *
   * @param piece (rows, columns), in kernel memory
   */
  prune(kernels: Kernels, piece: Float32Array, rows: number = 1): void {
    const { threshold } = this;
    if (this.#ties === 0 && Number.isFinite(threshold)) {
      kernels.prune(piece, nextUp(threshold));
      return;
    }
    const equal = kernels.prune(piece, threshold);
    if (equal <= this.#ties) {
      this.#ties -= equal;
      return;
    }
    const columns = piece.length / rows;
    let x = 0;
    for (; this.#ties > 0; x++) {
      for (let at = x; at < piece.length; at += columns) {
        if (Math.abs(piece[at]!) === threshold && this.#ties-- <= 0) piece[at] = 0;
      }
    }
    this.#ties = 0;
    for (let end = columns; end <= piece.length; end += columns) {
      kernels.prune(piece.subarray(end - columns + x, end), nextUp(threshold));
    }
  }

  /** Zero the entries of the tensor's next piece that are not kept. */
  pruneInPlace(values: Values): void {
    const { threshold } = this;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const magnitude = Math.abs(value);
      // Entries are on either side at random, so a product is faster than a branch; + 0 turns -0 into 0.
      if (magnitude !== threshold) values[i] = value * Number(magnitude > threshold) + 0;
      else if (!this.keeps(value)) values[i] = 0;
    }
  }
}

/** The next larger f32 of a magnitude. */
function nextUp(magnitude: number): number {
  const bits = new Uint32Array(Float32Array.of(magnitude).buffer);
  return new Float32Array(bits.map((word) => word + 1).buffer)[0]!;
}

/** How many of n entries a density keeps: int(density n), as in PEFT and mergekit. */
export function keptCount(density: number, n: number): number {
  return Math.floor(density * n);
}

/** The cut that keeps the `count` largest |entries| of a whole tensor. */
export function largestOf(values: Values, count: number): MagnitudeCut {
  if (count >= values.length) return new MagnitudeCut(-1, 0);
  if (count === 0) return new MagnitudeCut(Number.POSITIVE_INFINITY, 0);
  const { near, over } = nearCut(values, count);
  const threshold = near[near.length - (count - over)]!;
  let above = over;
  for (let i = near.length - 1; near[i]! > threshold; i--) above++;
  return new MagnitudeCut(threshold, count - above);
}

/** Magnitudes sort like the bits of a float without its sign; this many of them, after the sign, choose a bucket. */
const BUCKET_BITS = 15;

/**
 * The magnitudes in the bucket that holds the `count`-th largest, ascending, and how many are in higher buckets. Two passes and the sort
 * of one bucket take a small part of the time of sorting everything.
 */
function nearCut(values: Values, count: number): { readonly near: Values; readonly over: number } {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);
  // The word with sign and exponent is the last one of a little-endian float.
  const step = values.BYTES_PER_ELEMENT / 4;
  const counts = new Uint32Array(1 << BUCKET_BITS);
  for (let at = step - 1; at < words.length; at += step) counts[(words[at]! << 1) >>> (32 - BUCKET_BITS)]!++;
  let bucket = counts.length - 1;
  let over = 0;
  while (over + counts[bucket]! < count) over += counts[bucket--]!;
  const near = values.slice(0, counts[bucket]!);
  for (let i = 0, at = step - 1, next = 0; i < values.length; i++, at += step) {
    if ((words[at]! << 1) >>> (32 - BUCKET_BITS) === bucket) near[next++] = Math.abs(values[i]!);
  }
  return { near: near.sort(), over };
}

/** Zero all but the int(density n) largest |entries| of a whole tensor, in place. */
export function pruneByMagnitude(values: Values, density: number): void {
  largestOf(values, keptCount(density, values.length)).pruneInPlace(values);
}
