import type { Kernels, RowSums } from "../kernels/kernels.ts";
import type { Combination } from "../linalg/combination.ts";
import { mirrored } from "../linalg/mirrored.ts";
import type { UnitReader } from "./unit-reader.ts";

/** Computes combinations in a strip of rows: into[c * intoStride + x] = combination c at column x. */
type WriteCombinations = (rows: Float32Array, length: number, into: Float32Array, intoStride: number) => void;

/** Combinations of a pool's units, at most N at a time, computed strip by strip; keeps its kernel memory between calls. */
export class CombinedStrips {
  readonly #kernels: Kernels;
  readonly #reader: UnitReader;
  /** The position of each live unit among the rows read. */
  readonly #rows: Int32Array;
  readonly #precise: boolean;
  /** Buffers for the coefficients of up to N combinations: dense if sums are precise, else lists. */
  #dense: Float64Array | null = null;
  #lists: RowSums | null = null;
  /** Buffers for a strip of up to N combinations, and for an N x N matrix. */
  #strip: Float32Array | null = null;
  #square: Float64Array | null = null;

  /** @param precise whether sums are in f64, rounded once, instead of f32 */
  constructor(kernels: Kernels, reader: UnitReader, rows: Int32Array, precise: boolean) {
    this.#kernels = kernels;
    this.#reader = reader;
    this.#rows = rows;
    this.#precise = precise;
  }

  /** Write one half of combinations as whole rows of `columns` entries. */
  async write(
    combinations: readonly Combination[],
    half: "a" | "b",
    into: Float32Array,
    columns: number,
  ): Promise<void> {
    const write = this.#writer(combinations, half);
    await this.#reader.visit(half, (rows, length, offset) => write(rows, length, into.subarray(offset), columns));
  }

  /** The entry of largest |value| in each half of each combination, with its sign; among equals the first. */
  async extremes(combinations: readonly Combination[]): Promise<{ a: Float64Array; b: Float64Array }> {
    const found = { a: new Float64Array(combinations.length), b: new Float64Array(combinations.length) };
    for (const half of ["a", "b"] as const) {
      const most = found[half];
      await this.#visit(combinations, half, (strip, length) => {
        for (let c = 0, cell = 0; c < most.length; c++) {
          for (let x = 0; x < length; x++, cell++)
            if (Math.abs(strip[cell]!) > Math.abs(most[c]!)) most[c] = strip[cell]!;
        }
      });
    }
    return found;
  }

  /** Manhattan distances (m, m) between combinations, or between one and minus the other (sign -1). */
  async manhattan(combinations: readonly Combination[], sign: 1 | -1): Promise<Float64Array> {
    const count = combinations.length;
    this.#square ??= this.#kernels.f64(this.#rows.length ** 2);
    const sums = this.#square.subarray(0, count * count).fill(0);
    for (const half of ["a", "b"] as const) {
      await this.#visit(combinations, half, (strip, length) => {
        this.#kernels.manhattan(strip, count, length, length, sign, sums);
      });
    }
    const all = Int32Array.from({ length: count }, (_, c) => c);
    return mirrored(sums, count, all, new Float64Array(count * count));
  }

  /** Pass one half of all combinations to `use`, strip by strip. */
  async #visit(
    combinations: readonly Combination[],
    half: "a" | "b",
    use: (strip: Float32Array, length: number) => void,
  ): Promise<void> {
    if (combinations.length === 0) return;
    this.#strip ??= this.#kernels.f32(this.#rows.length * this.#reader.columns);
    const strip = this.#strip;
    const write = this.#writer(combinations, half);
    await this.#reader.visit(half, (rows, length) => {
      write(rows, length, strip, length);
      use(strip, length);
    });
  }

  #writer(combinations: readonly Combination[], half: "a" | "b"): WriteCombinations {
    return this.#precise ? this.#denseWriter(combinations, half) : this.#listWriter(combinations, half);
  }

  #denseWriter(combinations: readonly Combination[], half: "a" | "b"): WriteCombinations {
    const kernels = this.#kernels;
    const all = this.#reader.ids.length;
    this.#dense ??= kernels.f64(this.#rows.length * all);
    const coefficients = this.#dense.subarray(0, combinations.length * all).fill(0);
    for (const [c, { members, [half]: values }] of combinations.entries()) {
      for (let m = 0; m < members.length; m++) coefficients[c * all + this.#rows[members[m]!]!] = values[m]!;
    }
    return (rows, length, into, intoStride) =>
      kernels.multiply(coefficients, combinations.length, rows, all, length, length, into, intoStride);
  }

  #listWriter(combinations: readonly Combination[], half: "a" | "b"): WriteCombinations {
    const kernels = this.#kernels;
    const count = this.#rows.length;
    this.#lists ??= {
      offsets: kernels.u32(count + 1),
      members: kernels.u32(count * count),
      coefficients: kernels.f32(count * count),
    };
    const { members: listed, coefficients } = this.#lists;
    const offsets = this.#lists.offsets.subarray(0, combinations.length + 1);
    let next = 0;
    for (const [c, { members, [half]: values }] of combinations.entries()) {
      offsets[c] = next;
      for (let m = 0; m < members.length; m++, next++) {
        listed[next] = this.#rows[members[m]!]!;
        coefficients[next] = values[m]!;
      }
    }
    offsets[combinations.length] = next;
    const sums = { offsets, members: listed, coefficients };
    return (rows, length, into, intoStride) => kernels.combine(rows, length, length, sums, into, intoStride);
  }
}
