import type { Combination } from "../linalg/combination.ts";
import type { CutModule } from "../methods/finish.ts";
import type { Pool } from "../units/pool.ts";
import type { UnitRows } from "../units/unit-rows.ts";

/** Rows and columns of the block of each delta in which signs are compared. */
const SAMPLE = 48;

/** How many entries of two deltas were compared, and how many of them have different signs. */
export interface SignCount {
  disagree: number;
  count: number;
}

/** A block of a module's deltas at sampled rows and columns: every adapter's block, and the data for a merge's block. */
export class SignSample {
  readonly #pool: Pool;
  readonly #columns: Int32Array;
  readonly #rows: Int32Array;
  /** Entries of every unit's a at the columns, (N, columns), and of its b at the rows, (N, rows). */
  readonly #a: Float64Array;
  readonly #b: Float64Array;
  readonly #inputs: readonly Float64Array[];

  private constructor(
    pool: Pool,
    columns: Int32Array,
    rows: Int32Array,
    a: Float64Array,
    b: Float64Array,
    inputs: number,
  ) {
    this.#pool = pool;
    this.#columns = columns;
    this.#rows = rows;
    this.#a = a;
    this.#b = b;
    this.#inputs = Array.from({ length: inputs }, () => this.#emptyBlock());
    for (let i = 0; i < pool.count; i++) this.#addUnit(this.#inputs[pool.ids[i]![0]]!, b, i, a, i);
  }

  /**
   * Draw rows and columns of a module, and read the units' entries there.
   *
   * @param below draws a random whole number below its argument
   * @param inputs number of adapters
   */
  static async draw(pool: Pool, below: (limit: number) => number, inputs: number): Promise<SignSample> {
    const [columns, rows] = [drawn(pool.in, below), drawn(pool.out, below)];
    return new SignSample(pool, columns, rows, await pool.entries("a", columns), await pool.entries("b", rows), inputs);
  }

  /** Count entries where a merged delta has another sign than an adapter's. Entries that are zero in either do not count. */
  countConflicts({ combinations, rows }: CutModule, sum: SignCount): void {
    const merged = combinations === null ? this.#blockOfRows(rows!) : this.#blockOfCombinations(combinations);
    for (const block of this.#inputs) countSigns(merged, block, sum);
  }

  /** Share of the entries in which two adapters have different signs, over all pairs; null if there are none. */
  conflictsBetween(): number | null {
    const sum = { disagree: 0, count: 0 };
    for (const [t, one] of this.#inputs.entries()) {
      for (const other of this.#inputs.slice(t + 1)) countSigns(one, other, sum);
    }
    return sum.count === 0 ? null : sum.disagree / sum.count;
  }

  #emptyBlock(): Float64Array {
    return new Float64Array(this.#rows.length * this.#columns.length);
  }

  #blockOfRows({ count, a, b }: UnitRows): Float64Array {
    const block = this.#emptyBlock();
    for (let c = 0; c < count; c++) {
      const right = Float64Array.from(this.#columns, (x) => a[c * this.#pool.in + x]!);
      const left = Float64Array.from(this.#rows, (x) => b[c * this.#pool.out + x]!);
      this.#addUnit(block, left, 0, right, 0);
    }
    return block;
  }

  #blockOfCombinations(combinations: readonly Combination[]): Float64Array {
    const block = this.#emptyBlock();
    for (const { members, a, b } of combinations) {
      const right = combined(members, a, this.#a, this.#columns.length);
      const left = combined(members, b, this.#b, this.#rows.length);
      this.#addUnit(block, left, 0, right, 0);
    }
    return block;
  }

  /** block += left_i right_j^T, of rows i and j of entries. */
  #addUnit(block: Float64Array, left: Float64Array, i: number, right: Float64Array, j: number): void {
    const [rows, columns] = [this.#rows.length, this.#columns.length];
    for (let y = 0; y < rows; y++) {
      const factor = left[i * rows + y]!;
      for (let x = 0, at = y * columns; x < columns; x++, at++) block[at]! += factor * right[j * columns + x]!;
    }
  }
}

/** Entries that are zero in either block do not count. */
function countSigns(one: Float64Array, other: Float64Array, sum: SignCount): void {
  for (let cell = 0; cell < one.length; cell++) {
    const product = one[cell]! * other[cell]!;
    if (product === 0) continue;
    sum.count++;
    if (product < 0) sum.disagree++;
  }
}

/** The entries of a combination of units: sum over its members of coefficient times entries. */
function combined(
  members: ArrayLike<number>,
  coefficients: ArrayLike<number>,
  entries: Float64Array,
  length: number,
): Float64Array {
  const out = new Float64Array(length);
  for (let m = 0; m < members.length; m++) {
    const from = members[m]! * length;
    for (let x = 0; x < length; x++) out[x]! += coefficients[m]! * entries[from + x]!;
  }
  return out;
}

function drawn(length: number, below: (limit: number) => number): Int32Array {
  if (length <= SAMPLE) return Int32Array.from({ length }, (_, i) => i);
  return Int32Array.from({ length: SAMPLE }, () => below(length));
}
