import type { Kernels } from "../kernels/kernels.ts";
import { mirrored } from "../linalg/mirrored.ts";
import { LiveUnits } from "./live-units.ts";
import type { PoolMemory } from "./memory.ts";
import { RowOrder } from "./row-order.ts";
import { type PoolPart, UnitReader } from "./unit-reader.ts";
import type { UnitRows } from "./unit-rows.ts";
import type { UnitSums } from "./unit-sums.ts";

/** The inner products (r, r) of some units of one adapter. */
export interface OwnGrams {
  readonly count: number;
  readonly gramA: Float64Array;
  readonly gramB: Float64Array;
}

/** The inner products of an adapter's rows, upper triangles, and the position of its first row. */
interface OwnRows {
  readonly first: number;
  readonly rank: number;
  readonly a: Float64Array;
  readonly b: Float64Array;
}

/**
 * The live units of a module that has too many for a matrix of all pairs. Only inner products within each adapter are kept; products with
 * sums of units are computed by passing all units again. Memory grows with N, not with N^2. Inner products are summed in f64, sums of
 * units in f32.
 */
export class StreamedPool extends LiveUnits {
  readonly #own: ReadonlyMap<number, OwnRows>;

  private constructor(
    kernels: Kernels,
    reader: UnitReader,
    order: RowOrder,
    largest: { readonly a: Float64Array; readonly b: Float64Array },
    own: ReadonlyMap<number, OwnRows>,
  ) {
    super(kernels, reader, order, largest);
    this.#own = own;
  }

  /** Read all units of a module once. An earlier pool of these kernels is void. */
  static async survey(kernels: Kernels, parts: readonly PoolPart[], memory: PoolMemory): Promise<StreamedPool> {
    kernels.reset(memory.bytes);
    const reader = new UnitReader(kernels, parts, memory.slab);
    const count = reader.ids.length;
    const order = new RowOrder(reader.weights);
    const found = kernels.f64(count);
    const largest = { a: new Float64Array(count), b: new Float64Array(count) };
    const own = new Map<number, OwnRows>();
    let first = 0;
    for (const { input, module } of parts) {
      const square = (): Float64Array => kernels.f64(module.rank ** 2).fill(0);
      own.set(input, { first, rank: module.rank, a: square(), b: square() });
      first += module.rank;
    }
    for (const half of ["a", "b"] as const) {
      const most = largest[half];
      await reader.visit(half, (rows, length) => {
        kernels.maxAbs(rows, count, length, length, found);
        for (let row = 0; row < count; row++) if (found[row]! > most[row]!) most[row] = found[row]!;
        for (const { first, rank, [half]: gram } of own.values())
          kernels.gramF64(rows.subarray(first * length, (first + rank) * length), rank, length, length, gram);
        order.refine(rows, length);
      });
    }
    return new StreamedPool(kernels, reader, order, largest, own);
  }

  /** The inner products of some units of one adapter, in the given order. */
  ownGrams(units: readonly number[]): OwnGrams {
    const { first, rank, a, b } = this.#own.get(this.ids[units[0]!]![0])!;
    const rows = Int32Array.from(units, (i) => this.rows[i]! - first);
    const among = (gram: Float64Array): Float64Array =>
      mirrored(gram, rank, rows, new Float64Array(rows.length * rows.length));
    return { count: rows.length, gramA: among(a), gramB: among(b) };
  }

  /** Squared length of every unit's half. */
  squares(half: "a" | "b"): Float64Array {
    return Float64Array.from(this.rows, (row, i) => {
      const { first, rank, [half]: gram } = this.#own.get(this.ids[i]![0])!;
      return gram[(row - first) * (rank + 1)]!;
    });
  }

  /** The entry of largest |value| in every unit's a-half, with its sign; among equals the first. */
  async extremesOfA(): Promise<Float64Array> {
    const most = new Float64Array(this.count);
    await this.reader.visit("a", (rows, length) => {
      for (let i = 0; i < this.count; i++) {
        for (let cell = this.rows[i]! * length, end = cell + length; cell < end; cell++)
          if (Math.abs(rows[cell]!) > Math.abs(most[i]!)) most[i] = rows[cell]!;
      }
    });
    return most;
  }

  /** Inner products (m, m) of sums, over both halves together. */
  gramOfSums(sums: UnitSums): Promise<Float64Array> {
    return this.#freely(async () => {
      const count = sums.offsets.length - 1;
      const upper = this.kernels.f64(count * count).fill(0);
      await this.#visitSums(sums, (strip, length) => this.kernels.gramF64(strip, count, length, length, upper));
      const all = Int32Array.from({ length: count }, (_, s) => s);
      return mirrored(upper, count, all, new Float64Array(count * count));
    });
  }

  /** Inner products (m, N) of sums with the units, each unit's halves multiplied by a[i] and b[i], over both halves together. */
  productsWithSums(sums: UnitSums, a: Float64Array, b: Float64Array): Promise<Float64Array> {
    return this.#freely(async () => {
      const count = sums.offsets.length - 1;
      const all = this.reader.ids.length;
      const crossed = this.kernels.f64(count * all);
      const products = new Float64Array(count * this.count);
      for (const [half, factors] of [["a", a] as const, ["b", b] as const]) {
        crossed.fill(0);
        const add = (strip: Float32Array, length: number, rows: Float32Array): void =>
          this.kernels.cross(strip, count, length, rows, all, length, length, crossed);
        await this.#visitSums(sums, add, half);
        for (let s = 0, cell = 0; s < count; s++) {
          for (let i = 0; i < this.count; i++, cell++)
            products[cell]! += factors[i]! * crossed[s * all + this.rows[i]!]!;
        }
      }
      return products;
    });
  }

  /** Sums as rows. */
  async rowsOfSums(sums: UnitSums): Promise<UnitRows> {
    const merged = this.emptyRows(sums.offsets.length - 1);
    await this.#freely(async () => {
      for (const half of ["a", "b"] as const) {
        const columns = half === "a" ? this.in : this.out;
        const write = this.#writer(sums, half);
        await this.reader.visit(half, (rows, length, at) => write(rows, length, merged[half].subarray(at), columns));
      }
    });
    return merged;
  }

  /** Inner products (count, N) of f32 rows with one half of the units. */
  productsWithRows(half: "a" | "b", rows: Float32Array): Promise<Float64Array> {
    const columns = half === "a" ? this.in : this.out;
    return this.#freely(() => this.productsWith(half, rows.length / columns, rows, columns));
  }

  /** Write dense combinations (count, N) of one half as rows; sums in f64, rounded once. */
  async writeCombined(half: "a" | "b", coefficients: Float64Array, into: Float32Array): Promise<void> {
    const columns = half === "a" ? this.in : this.out;
    const count = into.length / columns;
    const all = this.reader.ids.length;
    await this.#freely(async () => {
      const spread = this.kernels.f64(count * all).fill(0);
      for (let c = 0; c < count; c++) {
        for (let i = 0; i < this.count; i++) spread[c * all + this.rows[i]!] = coefficients[c * this.count + i]!;
      }
      await this.reader.visit(half, (rows, length, at) =>
        this.kernels.multiply(spread, count, rows, all, length, length, into.subarray(at), columns),
      );
    });
  }

  /** Pass strips of sums, and of the rows that they are made of, to `use`; of both halves or of one. */
  async #visitSums(
    sums: UnitSums,
    use: (strip: Float32Array, length: number, rows: Float32Array) => void,
    only?: "a" | "b",
  ): Promise<void> {
    const strip = this.kernels.f32((sums.offsets.length - 1) * this.reader.columns);
    for (const half of only === undefined ? (["a", "b"] as const) : [only]) {
      const write = this.#writer(sums, half);
      await this.reader.visit(half, (rows, length) => {
        write(rows, length, strip, length);
        use(strip, length, rows);
      });
    }
  }

  #writer(
    { offsets, members, ...halves }: UnitSums,
    half: "a" | "b",
  ): (rows: Float32Array, length: number, into: Float32Array, intoStride: number) => void {
    const { kernels } = this;
    const lists = {
      offsets: kernels.u32(offsets.length),
      members: kernels.u32(members.length),
      coefficients: kernels.f32(members.length),
    };
    lists.offsets.set(offsets);
    for (let m = 0; m < members.length; m++) lists.members[m] = this.rows[members[m]!]!;
    lists.coefficients.set(halves[half]);
    return (rows, length, into, intoStride) => kernels.combine(rows, length, length, lists, into, intoStride);
  }

  /** Run `use` and free the kernel memory that it took. */
  async #freely<T>(use: () => Promise<T>): Promise<T> {
    const release = this.kernels.checkpoint();
    try {
      return await use();
    } finally {
      release();
    }
  }
}
