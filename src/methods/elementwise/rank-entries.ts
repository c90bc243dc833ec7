/** Digits of the radix sort: three of 11 bits hold the 31 bits of a magnitude. */
const DIGIT_BITS = 11;
const DIGITS = 2 ** DIGIT_BITS;
const DIGIT = DIGITS - 1;
const MAGNITUDE_BITS = 0x7fffffff;

/** Intervals of magnitudes per entry. With two, normally distributed rows put about one entry into each. */
const INTERVALS_PER_ENTRY = 2;
/** The most entries of one interval that are sorted by insertion. */
const MOST_CROWDED = 32;

/**
 * Ranks the entries of rows of one length; keeps its buffers between calls. Entries go into equal intervals of magnitudes, and the few
 * in each are sorted by insertion. A row that crowds one interval (zeros, outliers) is radix sorted by its bits.
 */
export class EntryRanks {
  readonly #intervals: Uint32Array;
  readonly #digits = new Uint32Array(3 * DIGITS);
  readonly #magnitudes: Float32Array;
  readonly #places: readonly [Uint32Array, Uint32Array];

  /** @param length the longest row */
  constructor(length: number) {
    this.#intervals = new Uint32Array(INTERVALS_PER_ENTRY * length + 1);
    this.#magnitudes = new Float32Array(length);
    this.#places = [new Uint32Array(length), new Uint32Array(length)];
  }

  /** The row's positions by ascending |value|; equals keep their order. Valid until the next call. */
  ascending(row: Float32Array): Uint32Array {
    return this.#byIntervals(row) ?? this.#byDigits(row);
  }

  /** Null if an interval is crowded. */
  #byIntervals(row: Float32Array): Uint32Array | null {
    const n = row.length;
    let largest = 0;
    for (let i = 0; i < n; i++) {
      const magnitude = Math.abs(row[i]!);
      if (magnitude > largest) largest = magnitude;
    }
    const counts = this.#intervals.fill(0);
    const scale = (INTERVALS_PER_ENTRY * n) / largest;
    for (let i = 0; i < n; i++) counts[(Math.abs(row[i]!) * scale) | 0]!++;
    let crowd = 0;
    for (let interval = 0, before = 0; interval < counts.length; interval++) {
      const count = counts[interval]!;
      if (count > crowd) crowd = count;
      counts[interval] = before;
      before += count;
    }
    if (crowd > MOST_CROWDED) return null;
    const magnitudes = this.#magnitudes;
    const [places] = this.#places;
    for (let i = 0; i < n; i++) {
      const magnitude = Math.abs(row[i]!);
      const at = counts[(magnitude * scale) | 0]!++;
      places[at] = i;
      magnitudes[at] = magnitude;
    }
    sortByInsertion(magnitudes, places, n);
    return places.subarray(0, n);
  }

  #byDigits(row: Float32Array): Uint32Array {
    const bits = new Uint32Array(row.buffer, row.byteOffset, row.length);
    const n = row.length;
    const counts = this.#digits.fill(0);
    for (let i = 0; i < n; i++) {
      const magnitude = bits[i]! & MAGNITUDE_BITS;
      counts[magnitude & DIGIT]!++;
      counts[DIGITS + ((magnitude >>> DIGIT_BITS) & DIGIT)]!++;
      counts[2 * DIGITS + (magnitude >>> (2 * DIGIT_BITS))]!++;
    }
    for (let digit = 0; digit < 3; digit++) {
      for (let bucket = digit * DIGITS, before = 0; bucket < (digit + 1) * DIGITS; bucket++) {
        const count = counts[bucket]!;
        counts[bucket] = before;
        before += count;
      }
    }
    const [one, other] = this.#places;
    for (let i = 0; i < n; i++) one[counts[bits[i]! & DIGIT]!++] = i;
    for (let i = 0; i < n; i++) {
      const place = one[i]!;
      other[counts[DIGITS + ((bits[place]! >>> DIGIT_BITS) & DIGIT)]!++] = place;
    }
    for (let i = 0; i < n; i++) {
      const place = other[i]!;
      one[counts[2 * DIGITS + ((bits[place]! & MAGNITUDE_BITS) >>> (2 * DIGIT_BITS))]!++] = place;
    }
    return one.subarray(0, n);
  }
}

/** Sort nearly sorted magnitudes together with their positions; equals keep their order. */
function sortByInsertion(magnitudes: Float32Array, places: Uint32Array, n: number): void {
  for (let i = 1; i < n; i++) {
    const magnitude = magnitudes[i]!;
    if (magnitudes[i - 1]! <= magnitude) continue;
    const place = places[i]!;
    let at = i;
    for (; at > 0 && magnitudes[at - 1]! > magnitude; at--) {
      magnitudes[at] = magnitudes[at - 1]!;
      places[at] = places[at - 1]!;
    }
    magnitudes[at] = magnitude;
    places[at] = place;
  }
}
