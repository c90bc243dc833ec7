import type { Kernels } from "../kernels/kernels.ts";
import type { Combination } from "../linalg/combination.ts";
import type { UnitId } from "./adapter.ts";
import { RowOrder } from "./row-order.ts";
import type { UnitReader } from "./unit-reader.ts";

/** Columns of transformed units that manhattan distances are computed from at once. */
const MANHATTAN_COLUMNS = 2048;

/** Merged units as rows in kernel memory: a (count, in) and b (count, out), f32, row-major. */
export interface UnitRows {
  readonly count: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/**
 * All live units of one module, in an order that depends on their values alone and not on the order of the adapters. Every
 * array here is in that order. A unit whose a or b is all zero is dead (its delta is zero) and not among them.
 */
export class Pool {
  /** Number of live units N. */
  readonly count: number;
  readonly ids: readonly UnitId[];
  /** Weight of each unit: that of its adapter. */
  readonly weights: Float64Array;
  /** same[i] = 1: unit i has the same values as unit i - 1. */
  readonly same: Uint8Array;
  /** tie[i] = tie[j]: units i and j have the same values and weight. */
  readonly tie: Int32Array;
  /** Inner products (N, N) of the a-halves, and of the b-halves. */
  readonly gramA: Float64Array;
  readonly gramB: Float64Array;
  /** Largest |entry| of each half. */
  readonly maxA: Float64Array;
  readonly maxB: Float64Array;
  readonly dead: readonly UnitId[];
  readonly in: number;
  readonly out: number;
  /** Whether Gram matrices and combinations are summed in f64. */
  readonly precise: boolean;
  readonly #kernels: Kernels;
  readonly #reader: UnitReader;
  /** Position among the reader's rows. */
  readonly #row: Int32Array;
  /** Room for dense coefficients, in a precise pool. */
  #dense: Float64Array | null = null;
  /** Room for one half of one combination. */
  #half: Float32Array | null = null;

  private constructor(kernels: Kernels, reader: UnitReader, precise: boolean, order: RowOrder, halves: Halves) {
    const live: number[] = []; // positions in `order`
    for (const [x, row] of order.order.entries()) if (halves.a.max[row]! > 0 && halves.b.max[row]! > 0) live.push(x);
    const rows = Int32Array.from(live, (x) => order.order[x]!);
    this.count = rows.length;
    this.ids = Array.from(rows, (row) => reader.ids[row]!);
    this.weights = Float64Array.from(rows, (row) => reader.weights[row]!);
    // Equal rows are alike dead or alive, so a live row's equal predecessor is its predecessor here too.
    this.same = Uint8Array.from(live, (x) => order.equal[x]!);
    this.tie = Int32Array.from(rows);
    for (let i = 1; i < this.count; i++) {
      this.tie[i] = i;
      if (this.same[i] && this.weights[i] === this.weights[i - 1]) this.tie[i] = this.tie[i - 1]!;
    }
    if (this.count > 0) this.tie[0] = 0;
    this.gramA = permuted(halves.a.gram, reader.ids.length, rows);
    this.gramB = permuted(halves.b.gram, reader.ids.length, rows);
    this.maxA = Float64Array.from(rows, (row) => halves.a.max[row]!);
    this.maxB = Float64Array.from(rows, (row) => halves.b.max[row]!);
    this.dead = reader.ids.filter((_, row) => !(halves.a.max[row]! > 0 && halves.b.max[row]! > 0));
    this.in = reader.in;
    this.out = reader.out;
    this.precise = precise;
    this.#kernels = kernels;
    this.#reader = reader;
    this.#row = rows;
  }

  /** Read all units of a module once: their order, Gram matrices and largest entries. */
  static async survey(kernels: Kernels, reader: UnitReader, precise: boolean): Promise<Pool> {
    const count = reader.ids.length;
    const order = new RowOrder(reader.weights);
    const sums = kernels.f64(count * count);
    const largest = kernels.f64(count);
    const halves = { a: emptyHalf(count), b: emptyHalf(count) };
    for (const half of ["a", "b"] as const) {
      const { gram, max } = halves[half];
      await reader.visit(half, (rows, stride, length) => {
        if (precise) kernels.gramF64(rows, count, stride, length, sums);
        else kernels.gram(rows, count, stride, length, sums);
        for (let cell = 0; cell < gram.length; cell++) gram[cell]! += sums[cell]!;
        kernels.maxAbs(rows, count, stride, length, largest);
        for (let row = 0; row < count; row++) max[row] = Math.max(max[row]!, largest[row]!);
        order.refine(rows, stride, length);
      });
    }
    return new Pool(kernels, reader, precise, order, halves);
  }

  /** Write combinations out as rows; f32 sums, or f64 sums rounded once where the pool is precise. */
  async combine(combinations: readonly Combination[]): Promise<UnitRows> {
    const count = combinations.length;
    const a = this.#kernels.f32(count * this.in);
    const b = this.#kernels.f32(count * this.out);
    await this.#reader.visit("a", (rows, stride, length, offset) => {
      this.#write(combinations, "a", rows, stride, 0, length, a.subarray(offset), this.in);
    });
    await this.#reader.visit("b", (rows, stride, length, offset) => {
      this.#write(combinations, "b", rows, stride, 0, length, b.subarray(offset), this.out);
    });
    return { count, a, b };
  }

  /** Norm of each merged unit over both halves together: the largest |entry| (linf) or the length (l2). */
  norms(rows: UnitRows, norm: "linf" | "l2"): Float64Array {
    const { count } = rows;
    const a = this.#kernels.f64(count);
    const b = this.#kernels.f64(count);
    const measure = norm === "linf" ? this.#kernels.maxAbs : this.#kernels.squaredNorms;
    measure.call(this.#kernels, rows.a, count, this.in, this.in, a);
    measure.call(this.#kernels, rows.b, count, this.out, this.out, b);
    return Float64Array.from(a, (value, c) => (norm === "linf" ? Math.max(value, b[c]!) : Math.sqrt(value + b[c]!)));
  }

  /** Multiply both halves of merged unit c by factors[c], in place. */
  scaleRows(rows: UnitRows, factors: readonly number[]): void {
    for (const [c, factor] of factors.entries()) {
      if (factor === 1) continue;
      this.#kernels.scale(rows.a.subarray(c * this.in, (c + 1) * this.in), factor);
      this.#kernels.scale(rows.b.subarray(c * this.out, (c + 1) * this.out), factor);
    }
  }

  /** The entry of largest |value| in each half of each combination, with its sign; the first of equals. */
  async extremes(combinations: readonly Combination[]): Promise<{ a: Float64Array; b: Float64Array }> {
    const found = { a: new Float64Array(combinations.length), b: new Float64Array(combinations.length) };
    this.#half ??= this.#kernels.f32(Math.max(this.in, this.out));
    const row = this.#half;
    for (const half of ["a", "b"] as const) {
      const most = found[half];
      await this.#reader.visit(half, (rows, stride, length) => {
        for (const [c, combination] of combinations.entries()) {
          this.#write([combination], half, rows, stride, 0, length, row, length);
          for (let x = 0; x < length; x++) if (Math.abs(row[x]!) > Math.abs(most[c]!)) most[c] = row[x]!;
        }
      });
    }
    return found;
  }

  /** Manhattan distances (m, m) between m combinations, or between one and minus the other (sign -1). */
  async manhattan(combinations: readonly Combination[], sign: 1 | -1): Promise<Float64Array> {
    const count = combinations.length;
    const total = new Float64Array(count * count);
    const sums = this.#kernels.f64(count * count);
    const block = this.#kernels.f32(count * MANHATTAN_COLUMNS);
    for (const half of ["a", "b"] as const) {
      await this.#reader.visit(half, (rows, stride, length) => {
        for (let from = 0; from < length; from += MANHATTAN_COLUMNS) {
          const columns = Math.min(MANHATTAN_COLUMNS, length - from);
          this.#write(combinations, half, rows, stride, from, columns, block, columns);
          this.#kernels.manhattan(block, count, columns, columns, sign, sums);
          for (let cell = 0; cell < total.length; cell++) total[cell]! += sums[cell]!;
        }
      });
    }
    return total;
  }

  /** into[c * intoStride + x] = combination c at column from + x, x < columns. */
  #write(
    combinations: readonly Combination[],
    half: "a" | "b",
    rows: Float32Array,
    stride: number,
    from: number,
    columns: number,
    into: Float32Array,
    intoStride: number,
  ): void {
    const source = rows.subarray(from);
    if (this.precise) {
      const all = this.#reader.ids.length;
      this.#dense ??= this.#kernels.f64(Math.max(1, this.count) * all);
      const coefficients = this.#dense.subarray(0, combinations.length * all).fill(0);
      for (const [c, { members, [half]: values }] of combinations.entries()) {
        for (const [m, member] of members.entries()) coefficients[c * all + this.#row[member]!] = values[m]!;
      }
      this.#kernels.multiply(coefficients, combinations.length, source, all, stride, columns, into, intoStride);
      return;
    }
    for (const [c, { members, [half]: values }] of combinations.entries()) {
      const target = into.subarray(c * intoStride, c * intoStride + columns);
      this.#kernels.combine(
        source,
        stride,
        members.map((i) => this.#row[i]!),
        values,
        target,
      );
    }
  }
}

/** Kernel memory beyond the reader's that surveying and merging a pool of `units` into `merged` rows takes, in bytes. */
export function poolBytes(units: number, inputs: number, out: number, merged: number): number {
  const distances = 2 * (8 * units * units + 4 * units * MANHATTAN_COLUMNS);
  return 8 * units * (2 * units + 1) + distances + 4 * (merged + 1) * (inputs + out) + 1024;
}

interface Halves {
  readonly a: { readonly gram: Float64Array; readonly max: Float64Array };
  readonly b: { readonly gram: Float64Array; readonly max: Float64Array };
}

function emptyHalf(count: number): Halves["a"] {
  return { gram: new Float64Array(count * count), max: new Float64Array(count) };
}

function permuted(gram: Float64Array, count: number, rows: Int32Array): Float64Array {
  const n = rows.length;
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = rows[i]! * count;
    for (let j = 0; j < n; j++) out[i * n + j] = gram[row + rows[j]!]!;
  }
  return out;
}
