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

/** Whether entry `index` of task `task` is kept: drawn at random, or read from a golden file. */
export type Mask = (task: number, index: number) => boolean;

/**
 * A mask that keeps each entry with probability `density`, independently, by `HashedDraws`.
 *
 * @param tensor number of the tensor in a module (0 for A, 1 for B, 2 for a delta)
 */
export function bernoulliMask(seed: number, tensor: number, density: number): Mask {
  const limit = density * DRAWS;
  const draws = new HashedDraws(seed, tensor);
  return (task, index) => draws.at(task, index) < limit;
}

/** Number of values that a draw can have: with 31 bits, differences of draws fit into 32. */
export const DRAWS: number = 2 ** 31;

/**
 * Independent uniform numbers in [0, DRAWS): a hash of seed, task, tensor and index. Entries may be visited in any order and in pieces,
 * and a seed draws the same numbers on every machine.
 */
export class HashedDraws {
  readonly #start: number;

  constructor(seed: number, tensor: number) {
    this.#start = mix(mix(seed | 0) ^ Math.floor(seed / 2 ** 32)) ^ Math.imul(tensor + 1, 0x9e3779b1);
  }

  /** The number of one entry. */
  at(task: number, index: number): number {
    return mix(this.#key(task, Math.floor(index / 2 ** 32)) ^ (index | 0)) >>> 1;
  }

  /** The numbers of the entries from `from` on. */
  fill(task: number, from: number, into: Int32Array): void {
    let high = Math.floor(from / 2 ** 32);
    let key = this.#key(task, high);
    for (let i = 0; i < into.length; i++) {
      const index = from + i;
      if (index >= (high + 1) * 2 ** 32) key = this.#key(task, ++high);
      into[i] = mix(key ^ (index | 0)) >>> 1;
    }
  }

  #key(task: number, high: number): number {
    return mix(this.#start ^ Math.imul(task + 1, 0x85ebca77) ^ high);
  }
}

/** MurmurHash3's finalizer (Appleby, public domain): a bijection of 32-bit words; every output bit depends on all input bits. */
function mix(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * DARE (Yu et al. 2023, arXiv 2311.03099): drop entries by a mask and divide the others by the density, which keeps the expectation.
 * In place; `from` is the index of the first entry in its tensor.
 */
export function dropAndRescale(values: Values, task: number, mask: Mask, density: number, from = 0): void {
  for (let i = 0; i < values.length; i++) values[i] = mask(task, from + i) ? values[i]! / density : 0;
}
