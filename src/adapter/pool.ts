import type { Kernels, RowSums } from "../kernels/kernels.ts";
import type { Combination, UnitProducts } from "../linalg/combination.ts";
import { mirrored } from "../linalg/mirrored.ts";
import type { UnitId } from "./adapter.ts";
import { RowOrder } from "./row-order.ts";
import { stripColumns, type UnitReader, type UseRows } from "./unit-reader.ts";

/** Rows whose largest entry lies between these have squares that f32 sums hold well; others are summed in f64. */
const LEAST_F32_SQUARE = 1e-15;
const MOST_F32_SQUARE = 1e15;

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
  /** The place of each unit in the user's order: adapter by adapter, as in their files (dead units have places too). */
  readonly rows: Int32Array;
  /** Weight of each unit: that of its adapter. */
  readonly weights: Float64Array;
  /** Scale that is folded into each unit: its adapter's, or 1 where one scale serves the whole file. */
  readonly scales: Float64Array;
  /** same[i] = 1: unit i has the same values as unit i - 1. */
  readonly same: Uint8Array;
  /** tie[i] = tie[j]: units i and j have the same values and weight. */
  readonly tie: Int32Array;
  /** Inner products (N, N) of the a-halves, and of the b-halves, in kernel memory. */
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
  /** Kernels over the arena that all rows of this pool live in; methods that take more room say so (`Method.scratchBytes`). */
  readonly kernels: Kernels;
  readonly #reader: UnitReader;
  readonly #deadRows: Int32Array;
  /** Room for the coefficients of up to N combinations: dense ones in a precise pool, else lists. */
  #dense: Float64Array | null = null;
  #lists: RowSums | null = null;
  /** Room for a strip of up to N combinations, and for an N x N matrix. */
  #strip: Float32Array | null = null;
  #square: Float64Array | null = null;

  private constructor(
    kernels: Kernels,
    reader: UnitReader,
    precise: boolean,
    order: RowOrder,
    halves: { a: Half; b: Half },
  ) {
    const alive = (row: number): boolean => halves.a.max[row]! > 0 && halves.b.max[row]! > 0;
    // Equal rows are alike dead or alive, so a live row's equal predecessor is its predecessor here too.
    this.same = order.equal.filter((_, x) => alive(order.order[x]!));
    this.rows = order.order.filter(alive);
    this.count = this.rows.length;
    this.ids = Array.from(this.rows, (row) => reader.ids[row]!);
    this.weights = Float64Array.from(this.rows, (row) => reader.weights[row]!);
    this.scales = Float64Array.from(this.rows, (row) => reader.scales[row]!);
    this.tie = Int32Array.from({ length: this.count }, (_, i) => i);
    for (let i = 1; i < this.count; i++) {
      if (this.same[i] && this.weights[i] === this.weights[i - 1]) this.tie[i] = this.tie[i - 1]!;
    }
    this.gramA = mirrored(halves.a.gram, reader.ids.length, this.rows, kernels.f64(this.count * this.count));
    this.gramB = mirrored(halves.b.gram, reader.ids.length, this.rows, kernels.f64(this.count * this.count));
    this.maxA = Float64Array.from(this.rows, (row) => halves.a.max[row]!);
    this.maxB = Float64Array.from(this.rows, (row) => halves.b.max[row]!);
    this.#deadRows = order.order.filter((row) => !alive(row)).sort();
    this.dead = Array.from(this.#deadRows, (row) => reader.ids[row]!);
    this.in = reader.in;
    this.out = reader.out;
    this.precise = precise;
    this.kernels = kernels;
    this.#reader = reader;
  }

  /** Read all units of a module once: their order, Gram matrices and largest entries. */
  static async survey(kernels: Kernels, reader: UnitReader, precise: boolean): Promise<Pool> {
    const count = reader.ids.length;
    const order = new RowOrder(reader.weights);
    const largest = kernels.f64(count);
    const survey = async (half: "a" | "b"): Promise<Half> => {
      const gram = kernels.f64(count * count).fill(0);
      const max = new Float64Array(count);
      const sum = precise ? kernels.gramF64 : kernels.gram;
      await reader.visit(half, (rows, length) => {
        sum.call(kernels, rows, count, length, length, gram);
        kernels.maxAbs(rows, count, length, length, largest);
        for (let row = 0; row < count; row++) if (largest[row]! > max[row]!) max[row] = largest[row]!;
        order.refine(rows, length);
      });
      if (!precise && max.some((value) => value > 0 && !(value > LEAST_F32_SQUARE && value < MOST_F32_SQUARE))) {
        gram.fill(0);
        await reader.visit(half, (rows, length) => kernels.gramF64(rows, count, length, length, gram));
      }
      return { gram, max };
    };
    return new Pool(kernels, reader, precise, order, { a: await survey("a"), b: await survey("b") });
  }

  /** Write combinations out as rows; f32 sums, or f64 sums rounded once where the pool is precise. */
  async combine(combinations: readonly Combination[]): Promise<UnitRows> {
    const merged = this.emptyRows(combinations.length);
    if (merged.count === 0) return merged;
    for (const [half, columns] of [
      ["a", this.in],
      ["b", this.out],
    ] as const) {
      const all = merged[half];
      const write = this.#writer(combinations, half);
      await this.#reader.visit(half, (rows, length, offset) => write(rows, length, all.subarray(offset), columns));
    }
    return merged;
  }

  /** Room for merged units in kernel memory; what it holds is undefined. */
  emptyRows(count: number): UnitRows {
    return { count, a: this.kernels.f32(count * this.in), b: this.kernels.f32(count * this.out) };
  }

  /**
   * Hand one half of all rows to `use` as they are stored (without their scales), strip by strip, dead units as zeros; `use` may
   * overwrite them. Row `rows[i]` of a strip is unit i.
   */
  async visitStored(half: "a" | "b", use: UseRows): Promise<void> {
    const clear: UseRows = (strip, length, offset) => {
      for (const row of this.#deadRows) strip.fill(0, row * length, (row + 1) * length);
      use(strip, length, offset);
    };
    await this.#reader.visit(half, clear, false);
  }

  /** The units at these positions as they were read, as rows of their own. */
  async copy(positions: readonly number[]): Promise<UnitRows> {
    const count = positions.length;
    const copied = { count, a: this.kernels.f32(count * this.in), b: this.kernels.f32(count * this.out) };
    for (const half of ["a", "b"] as const) {
      const columns = half === "a" ? this.in : this.out;
      await this.#reader.visit(half, (rows, length, offset) => {
        for (const [c, i] of positions.entries()) {
          const row = this.rows[i]! * length;
          copied[half].set(rows.subarray(row, row + length), c * columns + offset);
        }
      });
    }
    return copied;
  }

  /** Norm of each merged unit over both halves together: the largest |entry| (linf) or the length (l2). */
  norms(rows: UnitRows, norm: "linf" | "l2"): Float64Array {
    const { count } = rows;
    const a = this.kernels.f64(count);
    const b = this.kernels.f64(count);
    const measure = norm === "linf" ? this.kernels.maxAbs : this.kernels.squaredNorms;
    measure.call(this.kernels, rows.a, count, this.in, this.in, a);
    measure.call(this.kernels, rows.b, count, this.out, this.out, b);
    return Float64Array.from(a, (value, c) => (norm === "linf" ? Math.max(value, b[c]!) : Math.sqrt(value + b[c]!)));
  }

  /** Multiply both halves of merged unit c by factors[c], in place. */
  scaleRows(rows: UnitRows, factors: readonly number[]): void {
    for (const [c, factor] of factors.entries()) {
      if (factor === 1) continue;
      this.kernels.scale(rows.a.subarray(c * this.in, (c + 1) * this.in), factor);
      this.kernels.scale(rows.b.subarray(c * this.out, (c + 1) * this.out), factor);
    }
  }

  /** The entries of every unit's half at some columns, (N, columns). */
  async entries(half: "a" | "b", columns: Int32Array): Promise<Float64Array> {
    const out = new Float64Array(this.count * columns.length);
    await this.#reader.visit(half, (rows, length, offset) => {
      for (let x = 0; x < columns.length; x++) {
        const column = columns[x]! - offset;
        if (column < 0 || column >= length) continue;
        for (let i = 0; i < this.count; i++) out[i * columns.length + x] = rows[this.rows[i]! * length + column]!;
      }
    });
    return out;
  }

  /** Inner products of merged units with the pool's and among themselves, in f64. */
  async products(merged: UnitRows): Promise<UnitProducts> {
    const kernels = this.kernels;
    const { count } = merged;
    const all = this.#reader.ids.length;
    const half = async (half: "a" | "b", rows: Float32Array, columns: number) => {
      const crossed = kernels.f64(count * all).fill(0);
      const among = kernels.f64(count * count).fill(0);
      kernels.gramF64(rows, count, columns, columns, among);
      await this.#reader.visit(half, (units, length, offset) => {
        kernels.cross(rows.subarray(offset), count, columns, units, all, length, length, crossed);
      });
      const withPool = new Float64Array(count * this.count);
      for (let c = 0; c < count; c++) {
        for (let i = 0; i < this.count; i++) withPool[c * this.count + i] = crossed[c * all + this.rows[i]!]!;
      }
      const every = Int32Array.from({ length: count }, (_, c) => c);
      return { withPool, among: mirrored(among, count, every, new Float64Array(count * count)) };
    };
    const a = await half("a", merged.a, this.in);
    const b = await half("b", merged.b, this.out);
    return { count, withPoolA: a.withPool, withPoolB: b.withPool, amongA: a.among, amongB: b.among };
  }

  /** Merged units out of others: row j is sum_c a[j][c] a_c and sum_c b[j][c] b_c; f64 sums rounded once. */
  transform(merged: UnitRows, a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): UnitRows {
    const multiply = (rows: Float32Array, by: readonly ArrayLike<number>[], columns: number): Float32Array => {
      const coefficients = this.kernels.f64(by.length * merged.count);
      for (const [j, row] of by.entries()) coefficients.set(row, j * merged.count);
      const out = this.kernels.f32(by.length * columns);
      this.kernels.multiply(coefficients, by.length, rows, merged.count, columns, columns, out, columns);
      return out;
    };
    return { count: a.length, a: multiply(merged.a, a, this.in), b: multiply(merged.b, b, this.out) };
  }

  /** The entry of largest |value| in each half of each combination, with its sign; the first of equals. At most N combinations. */
  async extremes(combinations: readonly Combination[]): Promise<{ a: Float64Array; b: Float64Array }> {
    const found = { a: new Float64Array(combinations.length), b: new Float64Array(combinations.length) };
    for (const half of ["a", "b"] as const) {
      const most = found[half];
      await this.#visitCombined(combinations, half, (strip, length) => {
        for (let c = 0, cell = 0; c < most.length; c++) {
          for (let x = 0; x < length; x++, cell++)
            if (Math.abs(strip[cell]!) > Math.abs(most[c]!)) most[c] = strip[cell]!;
        }
      });
    }
    return found;
  }

  /** Manhattan distances (m, m) between m <= N combinations, or between one and minus the other (sign -1). */
  async manhattan(combinations: readonly Combination[], sign: 1 | -1): Promise<Float64Array> {
    const count = combinations.length;
    this.#square ??= this.kernels.f64(this.count * this.count);
    const sums = this.#square.subarray(0, count * count).fill(0);
    for (const half of ["a", "b"] as const) {
      await this.#visitCombined(combinations, half, (strip, length) => {
        this.kernels.manhattan(strip, count, length, length, sign, sums);
      });
    }
    const all = Int32Array.from({ length: count }, (_, c) => c);
    return mirrored(sums, count, all, new Float64Array(count * count));
  }

  /** Hand one half of all combinations to `use`, strip by strip. */
  async #visitCombined(
    combinations: readonly Combination[],
    half: "a" | "b",
    use: (strip: Float32Array, length: number) => void,
  ): Promise<void> {
    if (combinations.length === 0) return;
    this.#strip ??= this.kernels.f32(this.count * this.#reader.columns);
    const strip = this.#strip;
    const write = this.#writer(combinations, half);
    await this.#reader.visit(half, (rows, length) => {
      write(rows, length, strip, length);
      use(strip, length);
    });
  }

  /** A function that computes combinations in a strip of rows: into[c * intoStride + x] = combination c at column x. */
  #writer(combinations: readonly Combination[], half: "a" | "b"): WriteCombinations {
    const kernels = this.kernels;
    const all = this.#reader.ids.length;
    if (this.precise) {
      this.#dense ??= kernels.f64(this.count * all);
      const coefficients = this.#dense.subarray(0, combinations.length * all).fill(0);
      for (const [c, { members, [half]: values }] of combinations.entries()) {
        for (let m = 0; m < members.length; m++) coefficients[c * all + this.rows[members[m]!]!] = values[m]!;
      }
      return (rows, length, into, intoStride) =>
        kernels.multiply(coefficients, combinations.length, rows, all, length, length, into, intoStride);
    }
    const cells = this.count * this.count;
    this.#lists ??= {
      offsets: kernels.u32(this.count + 1),
      members: kernels.u32(cells),
      coefficients: kernels.f32(cells),
    };
    const { members: listed, coefficients } = this.#lists;
    const offsets = this.#lists.offsets.subarray(0, combinations.length + 1);
    let next = 0;
    for (const [c, { members, [half]: values }] of combinations.entries()) {
      offsets[c] = next;
      for (let m = 0; m < members.length; m++, next++) {
        listed[next] = this.rows[members[m]!]!;
        coefficients[next] = values[m]!;
      }
    }
    offsets[combinations.length] = next;
    const sums = { offsets, members: listed, coefficients };
    return (rows, length, into, intoStride) => kernels.combine(rows, length, length, sums, into, intoStride);
  }
}

type WriteCombinations = (rows: Float32Array, length: number, into: Float32Array, intoStride: number) => void;

/** Kernel memory beyond the reader's that surveying and merging a pool of `units` into `merged` rows takes, in bytes. */
export function poolBytes(units: number, inputs: number, out: number, merged: number): number {
  const matrices = 8 * units * (6 * units + 3);
  const products = 16 * merged * (units + 2 * merged);
  return (
    matrices +
    products +
    4 * units * stripColumns(units, inputs, out) +
    4 * merged * (inputs + out) +
    64 * merged +
    2048
  );
}

/** What surveying one half gives: inner products (their upper triangle) and the largest |entry| of each row, as they were read. */
interface Half {
  readonly gram: Float64Array;
  readonly max: Float64Array;
}
