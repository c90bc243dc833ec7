import type { Kernels } from "../kernels/kernels.ts";
import type { Combination } from "../linalg/combination.ts";
import { mirrored } from "../linalg/mirrored.ts";
import { CombinedStrips } from "./combined-strips.ts";
import { LiveUnits } from "./live-units.ts";
import type { PoolMemory } from "./memory.ts";
import { RowOrder } from "./row-order.ts";
import { type PoolPart, UnitReader } from "./unit-reader.ts";
import type { UnitRows } from "./unit-rows.ts";

/** If a row's largest entry is between these, f32 sums hold its squares well; other rows are summed in f64. */
const LEAST_F32_SQUARE = 1e-15;
const MOST_F32_SQUARE = 1e15;

/** The live units of one module with all their inner products. */
export class Pool extends LiveUnits {
  /** Inner products (N, N) of the a-halves, and of the b-halves, in kernel memory. */
  readonly gramA: Float64Array;
  readonly gramB: Float64Array;
  /** Whether Gram matrices and combinations are summed in f64. */
  readonly precise: boolean;
  #strips: CombinedStrips;

  private constructor(
    kernels: Kernels,
    reader: UnitReader,
    precise: boolean,
    order: RowOrder,
    halves: { a: Half; b: Half },
  ) {
    super(kernels, reader, order, { a: halves.a.max, b: halves.b.max });
    this.gramA = mirrored(halves.a.gram, reader.ids.length, this.rows, kernels.f64(this.count * this.count));
    this.gramB = mirrored(halves.b.gram, reader.ids.length, this.rows, kernels.f64(this.count * this.count));
    this.precise = precise;
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
    const a = await this.combineHalf(combinations, "a");
    return { count: combinations.length, a, b: await this.combineHalf(combinations, "b") };
  }

  /** @internal One half of `combine`. */
  async combineHalf(combinations: readonly Combination[], half: "a" | "b"): Promise<Float32Array> {
    const columns = half === "a" ? this.in : this.out;
    const rows = this.kernels.f32(combinations.length * columns);
    if (combinations.length > 0) await this.#strips.write(combinations, half, rows, columns);
    return rows;
  }

  /** Run `use` with the pool, and free the kernel memory that it took, including rows that it made. One call at a time. */
  async freely<T>(use: () => Promise<T>): Promise<T> {
    const release = this.kernels.checkpoint();
    try {
      return await use();
    } finally {
      release();
      // The old strips keep buffers in the freed memory.
      this.#strips = new CombinedStrips(this.kernels, this.reader, this.rows, this.precise);
    }
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
