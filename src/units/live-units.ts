import type { UnitId } from "../adapter/adapter.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { UnitProducts } from "../linalg/combination.ts";
import type { RowOrder } from "./row-order.ts";
import type { UnitReader, UseRows } from "./unit-reader.ts";
import { rowGrams, type UnitRows } from "./unit-rows.ts";

/**
 * All live units of one module, in an order that depends on their values alone and not on the order of the adapters. Every
 * array here uses that order. A unit whose a or b is all zero is dead (its delta is zero) and left out.
 */
export class LiveUnits {
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
  /** Largest |entry| of each half. */
  readonly maxA: Float64Array;
  readonly maxB: Float64Array;
  readonly dead: readonly UnitId[];
  readonly in: number;
  readonly out: number;
  /** @internal Kernels over the arena of these units' rows; methods that need more memory declare it (`Method.scratchBytes`). */
  readonly kernels: Kernels;
  /** @internal */
  protected readonly reader: UnitReader;
  readonly #deadRows: Int32Array;

  /** @internal @param largest the largest |entry| of each half of each row, in reading order */
  protected constructor(
    kernels: Kernels,
    reader: UnitReader,
    order: RowOrder,
    largest: { readonly a: Float64Array; readonly b: Float64Array },
  ) {
    const alive = (row: number): boolean => largest.a[row]! > 0 && largest.b[row]! > 0;
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
    this.maxA = Float64Array.from(this.rows, (row) => largest.a[row]!);
    this.maxB = Float64Array.from(this.rows, (row) => largest.b[row]!);
    this.#deadRows = order.order.filter((row) => !alive(row)).sort();
    this.dead = Array.from(this.#deadRows, (row) => reader.ids[row]!);
    this.in = reader.in;
    this.out = reader.out;
    this.kernels = kernels;
    this.reader = reader;
  }

  /**
   * @internal Give the adapters other weights, as if their units had been read with them: equal units change places then. None that was
   * left out for its weight comes back.
   *
   * @param weights one per adapter, of the same ones not zero
   */
  reweighInPlace(weights: readonly number[]): void {
    const weightOf = (i: number): number => weights[this.ids[i]![0]]!;
    const places = Int32Array.from(this.rows.keys());
    for (let start = 0; start < this.count; ) {
      let end = start + 1;
      while (end < this.count && this.same[end]) end++;
      places.subarray(start, end).sort((i, j) => weightOf(i) - weightOf(j) || this.rows[i]! - this.rows[j]!);
      start = end;
    }
    const [rows, scales, ids] = [this.rows.slice(), this.scales.slice(), [...this.ids]];
    for (const [i, place] of places.entries()) {
      this.rows[i] = rows[place]!;
      this.scales[i] = scales[place]!;
      (this.ids as UnitId[])[i] = ids[place]!;
    }
    for (let i = 0; i < this.count; i++) {
      this.weights[i] = weightOf(i);
      this.tie[i] = i > 0 && this.same[i] && this.weights[i] === this.weights[i - 1] ? this.tie[i - 1]! : i;
    }
  }

  /** @internal The most columns of a strip. */
  get stripWidth(): number {
    return this.reader.columns;
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
    await this.reader.visit(half, clear, false);
  }

  /** A copy of the units at these positions, as rows. */
  async copy(positions: readonly number[]): Promise<UnitRows> {
    const count = positions.length;
    const copied = { count, a: this.kernels.f32(count * this.in), b: this.kernels.f32(count * this.out) };
    for (const half of ["a", "b"] as const) {
      const columns = half === "a" ? this.in : this.out;
      await this.reader.visit(half, (rows, length, offset) => {
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
    await this.reader.visit(half, (rows, length, offset) => {
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
    const withPoolA = await this.productsWith("a", merged.count, merged.a, this.in);
    const withPoolB = await this.productsWith("b", merged.count, merged.b, this.out);
    return { ...rowGrams(this, merged), withPoolA, withPoolB };
  }

  /** @internal Inner products (count, N) of rows with one half of the units. */
  protected async productsWith(
    half: "a" | "b",
    count: number,
    rows: Float32Array,
    columns: number,
  ): Promise<Float64Array> {
    const all = this.reader.ids.length;
    const crossed = this.kernels.f64(count * all).fill(0);
    await this.reader.visit(half, (units, length, offset) => {
      this.kernels.cross(rows.subarray(offset), count, columns, units, all, length, length, crossed);
    });
    const withPool = new Float64Array(count * this.count);
    for (let c = 0; c < count; c++) {
      for (let i = 0; i < this.count; i++) withPool[c * this.count + i] = crossed[c * all + this.rows[i]!]!;
    }
    return withPool;
  }
}
