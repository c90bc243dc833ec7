/** Digits of the radix sort: three of 11 bits hold the 31 bits of a magnitude. */
const DIGIT_BITS = 11;
const BUCKETS = 2 ** DIGIT_BITS;

/** Ranks the entries of rows of one length; keeps its room between calls. */
export class EntryRanks {
  readonly #counts = new Uint32Array(BUCKETS);
  #from: Uint32Array;
  #to: Uint32Array;

  /** @param length the longest row */
  constructor(length: number) {
    this.#from = new Uint32Array(length);
    this.#to = new Uint32Array(length);
  }

  /** The row's places in order of ascending |value|, the first of equals first. Valid until the next call. */
  ascending(row: Float32Array): Uint32Array {
    const bits = new Uint32Array(row.buffer, row.byteOffset, row.length);
    const n = row.length;
    for (let i = 0; i < n; i++) this.#from[i] = i;
    for (let shift = 0; shift < 31; shift += DIGIT_BITS) this.#sortByDigit(bits, shift, n);
    return this.#from.subarray(0, n);
  }

  #sortByDigit(bits: Uint32Array, shift: number, n: number): void {
    const counts = this.#counts.fill(0);
    const from = this.#from;
    const to = this.#to;
    // The topmost digit has the sign above it, which the mask of 31 bits takes away.
    for (let i = 0; i < n; i++) counts[((bits[i]! & 0x7fffffff) >>> shift) & (BUCKETS - 1)]!++;
    for (let bucket = 0, before = 0; bucket < BUCKETS; bucket++) {
      const count = counts[bucket]!;
      counts[bucket] = before;
      before += count;
    }
    for (let i = 0; i < n; i++) {
      const place = from[i]!;
      to[counts[((bits[place]! & 0x7fffffff) >>> shift) & (BUCKETS - 1)]!++] = place;
    }
    this.#from = to;
    this.#to = from;
  }
}
