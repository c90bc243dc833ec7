/**
 * Puts rows into an order that depends on their values alone, slab of columns by slab of columns, and finds equal rows.
 * Rows compare by their f32 values one after the other. Zeros of different sign are equal values with different bits; the
 * bits then fix the order.
 */
export class RowOrder {
  /** Row numbers in order. */
  readonly order: Int32Array;
  /** equal[x]: row order[x] has the same values as row order[x - 1]. */
  readonly equal: Uint8Array;
  readonly #weights: Float64Array;
  /** Whether no equal rows are left. */
  #settled = false;

  /** @param weights weight of each row; orders rows of equal values */
  constructor(weights: Float64Array) {
    this.#weights = weights;
    this.order = Int32Array.from(weights.keys());
    this.equal = new Uint8Array(weights.length).fill(1);
    this.equal[0] = 0;
  }

  /** Order the rows that were equal so far by the next `length` columns; row i starts at rows[i * length]. */
  refine(rows: Float32Array, length: number): void {
    if (this.#settled) return;
    const { order, equal } = this;
    const bits = new Int32Array(rows.buffer, rows.byteOffset, rows.length);
    const weights = this.#weights;
    const compare = (i: number, j: number): number =>
      compareRows(rows, i * length, j * length, length) ||
      compareRows(bits, i * length, j * length, length) ||
      weights[i]! - weights[j]!;
    for (let start = 0; start < order.length; ) {
      let end = start + 1;
      while (end < order.length && equal[end]) end++;
      order.subarray(start, end).sort(compare);
      for (let x = start + 1; x < end; x++) {
        equal[x] = compareRows(rows, order[x - 1]! * length, order[x]! * length, length) === 0 ? 1 : 0;
      }
      start = end;
    }
    this.#settled = !equal.includes(1);
  }
}

function compareRows(values: Float32Array | Int32Array, p: number, q: number, length: number): number {
  for (let x = 0; x < length; x++) {
    const difference = values[p + x]! - values[q + x]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
