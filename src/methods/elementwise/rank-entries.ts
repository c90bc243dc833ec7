/** Digits of the radix sort: three of 11 bits hold the 31 bits of a magnitude. */
const DIGIT_BITS = 11;
const BUCKETS = 2 ** DIGIT_BITS;
const DIGIT = BUCKETS - 1;
const MAGNITUDE_BITS = 0x7fffffff;

/** Ranks the entries of rows of one length; keeps its room between calls. */
export class EntryRanks {
  readonly #counts = new Uint32Array(3 * BUCKETS);
  readonly #places: readonly [Uint32Array, Uint32Array];

  /** @param length the longest row */
  constructor(length: number) {
    this.#places = [new Uint32Array(length), new Uint32Array(length)];
  }

  /** The row's places in order of ascending |value|, the first of equals first. Valid until the next call. */
  ascending(row: Float32Array): Uint32Array {
    const bits = new Uint32Array(row.buffer, row.byteOffset, row.length);
    const n = row.length;
    const counts = this.#counts.fill(0);
    for (let i = 0; i < n; i++) {
      const magnitude = bits[i]! & MAGNITUDE_BITS;
      counts[magnitude & DIGIT]!++;
      counts[BUCKETS + ((magnitude >>> DIGIT_BITS) & DIGIT)]!++;
      counts[2 * BUCKETS + (magnitude >>> (2 * DIGIT_BITS))]!++;
    }
    for (let digit = 0; digit < 3; digit++) {
      for (let bucket = digit * BUCKETS, before = 0; bucket < (digit + 1) * BUCKETS; bucket++) {
        const count = counts[bucket]!;
        counts[bucket] = before;
        before += count;
      }
    }
    const [one, other] = this.#places;
    for (let i = 0; i < n; i++) one[counts[bits[i]! & DIGIT]!++] = i;
    for (let i = 0; i < n; i++) {
      const place = one[i]!;
      other[counts[BUCKETS + ((bits[place]! >>> DIGIT_BITS) & DIGIT)]!++] = place;
    }
    for (let i = 0; i < n; i++) {
      const place = other[i]!;
      one[counts[2 * BUCKETS + ((bits[place]! & MAGNITUDE_BITS) >>> (2 * DIGIT_BITS))]!++] = place;
    }
    return one.subarray(0, n);
  }
}
