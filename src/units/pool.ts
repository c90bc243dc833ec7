import type { UnitId } from "../adapter/adapter.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { Combination, UnitProducts } from "../linalg/combination.ts";
import { mirrored } from "../linalg/mirrored.ts";
import { CombinedStrips } from "./combined-strips.ts";
import type { PoolMemory } from "./memory.ts";
import { RowOrder } from "./row-order.ts";
import { type PoolPart, UnitReader, type UseRows } from "./unit-reader.ts";
import { rowGrams, type UnitRows } from "./unit-rows.ts";

/** If a row's largest entry is between these, f32 sums hold its squares well; other rows are summed in f64. */
const LEAST_F32_SQUARE = 1e-15;
const MOST_F32_SQUARE = 1e15;

/**
 * All live units of one module, in an order that depends on their values alone and not on the order of the adapters. Every
 * array here uses that order. A unit whose a or b is all zero is dead (its delta is zero) and left out.
 */
export class Pool {
  /** Number of live units N. */
  readonly count: number;
  readonly ids: readonly UnitId[];
  /** The position of each unit in the user's order: adapter by adapter, in file order (dead units have positions too). */
  readonly rows: Int32Array;
  /** Weight of each unit's adapter. */
  readonly weights: Float64Array;
  /** Scale folded into each unit: its adapter's, or 1 if one scale serves the whole output file. */
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
  /** @internal Kernels over the arena of this pool's rows; methods that need more memory declare it (`Method.scratchBytes`). */
  readonly kernels: Kernels;
  readonly #reader: UnitReader;
  readonly #deadRows: Int32Array;
  #strips: CombinedStrips;

  private constructor(
    kernels: Kernels,
    reader: UnitReader,
    precise: boolean,
    order: RowOrder,
    halves: { a: Half; b: Half },
  ) {
    const alive = (row: number): boolean => halves.a.max[row]! > 0 && halves.b.max[row]! > 0;
    // Equal rows are all dead or all live, so a live row's equal predecessor is its predecessor here too.
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
    this.#strips = new CombinedStrips(kernels, reader, this.rows, precise);
  }

  /**
   * @internal Read all units of a module once: their order, Gram matrices and largest entries. An earlier pool of these kernels is void.
   *
   * @param precise whether sums are in f64
   */
  static async survey(
    kernels: Kernels,
    parts: readonly PoolPart[],
    memory: PoolMemory,
    precise: boolean,
  ): Promise<Pool> {
    kernels.reset(memory.bytes);
    const reader = new UnitReader(kernels, parts, memory.slab);
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

  /** Write combinations as rows; sums in f32, or in f64 rounded once if the pool is precise. */
  async combine(combinations: readonly Combination[]): Promise<UnitRows> {
    const merged = this.emptyRows(combinations.length);
    if (merged.count === 0) return merged;
    await this.#strips.write(combinations, "a", merged.a, this.in);
    await this.#strips.write(combinations, "b", merged.b, this.out);
    return merged;
  }

  /** Run `use` with the pool, and free the kernel memory that it took, including rows that it made. One call at a time. */
  async freely<T>(use: () => Promise<T>): Promise<T> {
    const release = this.kernels.checkpoint();
    try {
      return await use();
    } finally {
      release();
      // The old strips keep buffers in the freed memory.
      this.#strips = new CombinedStrips(this.kernels, this.#reader, this.rows, this.precise);
    }
  }

  /** Room for merged units in kernel memory; the contents are undefined. */
  emptyRows(count: number): UnitRows {
    return { count, a: this.kernels.f32(count * this.in), b: this.kernels.f32(count * this.out) };
  }

  /**
   * @internal Pass one half of all stored rows (without scales) to `use`, strip by strip, with dead units as zeros; `use` may overwrite
   * them. Row `rows[i]` of a strip is unit i.
   */
  async visitStored(half: "a" | "b", use: UseRows): Promise<void> {
    const clear: UseRows = (strip, length, offset) => {
      for (const row of this.#deadRows) strip.fill(0, row * length, (row + 1) * length);
      use(strip, length, offset);
    };
    await this.#reader.visit(half, clear, false);
  }

  /** A copy of the units at these positions, as rows. */
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
    const withPoolA = await this.#productsWith("a", merged.count, merged.a, this.in);
    const withPoolB = await this.#productsWith("b", merged.count, merged.b, this.out);
    return { ...rowGrams(this, merged), withPoolA, withPoolB };
  }

  /** Inner products (count, N) of rows with one half of the pool's units. */
  async #productsWith(half: "a" | "b", count: number, rows: Float32Array, columns: number): Promise<Float64Array> {
    const all = this.#reader.ids.length;
    const crossed = this.kernels.f64(count * all).fill(0);
    await this.#reader.visit(half, (units, length, offset) => {
      this.kernels.cross(rows.subarray(offset), count, columns, units, all, length, length, crossed);
    });
    const withPool = new Float64Array(count * this.count);
    for (let c = 0; c < count; c++) {
      for (let i = 0; i < this.count; i++) withPool[c * this.count + i] = crossed[c * all + this.rows[i]!]!;
    }
    return withPool;
  }

  /** The entry of largest |value| in each half of at most N combinations, with its sign; among equals the first. */
  extremes(combinations: readonly Combination[]): Promise<{ a: Float64Array; b: Float64Array }> {
    return this.#strips.extremes(combinations);
  }

  /** Manhattan distances (m, m) between m <= N combinations, or between one and minus the other (sign -1). */
  manhattan(combinations: readonly Combination[], sign: 1 | -1): Promise<Float64Array> {
    return this.#strips.manhattan(combinations, sign);
  }
}

/** The survey of one half: inner products (upper triangle) and the largest |entry| of each row, in reading order. */
interface Half {
  readonly gram: Float64Array;
  readonly max: Float64Array;
}
