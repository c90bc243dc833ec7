import type { FactorDtype, OutputDtype } from "../core/dtype.ts";

/** Words that `ascending` takes besides those of a row. */
export const RANK_ROOM: number = 3 * 2 ** 11;

/**
 * Several weighted sums over rows: sum s adds row members[m] times coefficients[m], for m from offsets[s] up to offsets[s + 1], in that
 * order. All three arrays are views of the arena.
 */
export interface RowSums {
  /** One more entry than there are sums, ascending, starting with 0. */
  readonly offsets: Uint32Array;
  readonly members: Uint32Array;
  readonly coefficients: Float32Array;
}

/** What `electedMean` divides the sum of the agreeing rows by: nothing, their number, or the sum of their weights. */
export type Divisor = "none" | "count" | "weights";

/** How `electedMean` elects the sign of a column, zero counting as plus, and what it makes of the rows that have it. */
export interface Vote {
  /** If true, votes are weights[t] * value; else they are values. */
  readonly weighted: boolean;
  /** If true, the sign of the sum of the votes; else of the sum of their signs. */
  readonly byValue: boolean;
  readonly divisor: Divisor;
}

/**
 * The numeric inner loops of a merge over one memory arena. Two backends share this interface: WebAssembly SIMD (`wasm.ts`)
 * and plain loops (`reference.ts`), which defines what every kernel means. All views passed to a kernel must come from this
 * backend's own arena. Rows are f32; row i of a block starts at `rows[i * stride]`. Sums run in a fixed order, so each
 * backend gives the same bits at every run on every machine.
 */
export interface Kernels {
  readonly backend: "wasm" | "reference";

  /** Drop all views of this arena and make room for `bytes` in total. Earlier views must not be used again. */
  reset(bytes: number): void;
  /** A view of `length` f32 (16-byte aligned), not zeroed. */
  f32(length: number): Float32Array;
  /** A view of `length` f64 (16-byte aligned), not zeroed. */
  f64(length: number): Float64Array;
  /** A view of `length` u32 (16-byte aligned), not zeroed. */
  u32(length: number): Uint32Array;
  /** A view of `length` bytes (16-byte aligned), not zeroed. */
  bytes(length: number): Uint8Array;
  /** @returns a function that frees all views taken since; those must not be used again. */
  checkpoint(): () => void;

  /**
   * dst[r * stride + x] = f32(src[r * srcStride + x]) * factor, r < rows, x < length; src holds little-endian elements of `dtype`
   * and need not be aligned. F64 rounds to nearest even.
   * @returns whether every source element was finite and stayed finite.
   */
  widen(
    dtype: FactorDtype,
    src: Uint8Array,
    srcStride: number,
    rows: number,
    length: number,
    dst: Float32Array,
    stride: number,
    factor: number,
  ): boolean;

  /**
   * Like `widen`, for a (rows, cols) matrix into its transpose: dst[c * stride + r] = f32(src[r * cols + c]) * factor.
   * @returns whether every source element was finite and stayed finite.
   */
  widenTransposed(
    dtype: FactorDtype,
    src: Uint8Array,
    rows: number,
    cols: number,
    dst: Float32Array,
    stride: number,
    factor: number,
  ): boolean;

  /**
   * dst[i] = src[i] in `dtype`, rounded to nearest even, i < src.length.
   * @returns whether every finite element stayed finite.
   */
  narrow(dtype: OutputDtype, src: Float32Array, dst: Uint8Array): boolean;

  /**
   * Like `narrow`, from rows into columns: dst (length, rows), dst[j * count + i] = src[i * stride + j], i < count, j < length.
   * @returns whether every finite element stayed finite.
   */
  narrowTransposed(
    dtype: OutputDtype,
    src: Float32Array,
    count: number,
    stride: number,
    length: number,
    dst: Uint8Array,
  ): boolean;

  /**
   * Adds the inner products of `count` rows of `length` to out[i * count + j], i <= j: sum_x rows_i[x] rows_j[x]. Entries below the
   * diagonal are void. Accumulates in f32 over blocks of 512 elements, in f64 across blocks; the relative error of a diagonal entry
   * stays below 1e-5. Rows passed in pieces of a multiple of 512 columns give the same bits as whole rows.
   */
  gram(rows: Float32Array, count: number, stride: number, length: number, out: Float64Array): void;

  /** Like `gram`, with products and sums in f64. */
  gramF64(rows: Float32Array, count: number, stride: number, length: number, out: Float64Array): void;

  /**
   * Adds the inner products of `count` rows with `otherCount` others to out[i * otherCount + j]; products and sums in f64.
   */
  cross(
    rows: Float32Array,
    count: number,
    stride: number,
    others: Float32Array,
    otherCount: number,
    otherStride: number,
    length: number,
    out: Float64Array,
  ): void;

  /**
   * Adds Manhattan distances to out[i * count + j], i <= j: sum_x |rows_i[x] - sign * rows_j[x]|, sign 1 or -1. Entries below
   * the diagonal and accumulation are as in `gram`.
   */
  manhattan(rows: Float32Array, count: number, stride: number, length: number, sign: 1 | -1, out: Float64Array): void;

  /**
   * Weighted sums of rows: dst[s * dstStride + x] = sum_m coefficients[m] * rows[members[m] * stride + x], x < length, in f32. A single
   * member with coefficient 1 is copied exactly; a sum without members is zero. `dst` must not overlap `rows`.
   */
  combine(
    rows: Float32Array,
    stride: number,
    length: number,
    sums: RowSums,
    dst: Float32Array,
    dstStride: number,
  ): void;

  /**
   * Small product: dst[i * dstStride + x] = sum_j coefficients[i * count + j] * rows[j * stride + x], i < outRows, j < count,
   * x < length; products and sums in f64, rounded to f32 once. `dst` must not overlap `rows`.
   */
  multiply(
    coefficients: Float64Array,
    outRows: number,
    rows: Float32Array,
    count: number,
    stride: number,
    length: number,
    dst: Float32Array,
    dstStride: number,
  ): void;

  /**
   * TIES' vote and mean over `count` rows, in f64, rounded to f32 once: dst[x] = the sum of weights[t] * rows[t * stride + x] over the
   * rows whose vote has the elected sign, divided as the vote says. It is 0 if none has it; weights that cancel divide by 1. `dst` must
   * not overlap `rows`.
   */
  electedMean(
    rows: Float32Array,
    count: number,
    stride: number,
    length: number,
    weights: Float64Array,
    vote: Vote,
    dst: Float32Array,
  ): void;

  /**
   * row[x] becomes 0 if |row[x]| < threshold (rounded to f32), in place.
   * @returns how many |row[x]| equal it.
   */
  prune(row: Float32Array, threshold: number): number;

  /** counts[m] += how many |row[x]|, as 31 bits of an f32, have m as their upper 15; m < 2^15. */
  countUpper(row: Float32Array, counts: Uint32Array): void;

  /** counts[m] += how many |row[x]| have `upper` as the upper 15 of their 31 bits, and m as the lower 16; m < 2^16. */
  countLower(row: Float32Array, upper: number, counts: Uint32Array): void;

  /**
   * draws[x] = a number in [0, 2^31) for the index first + x * step: the upper 31 bits of MurmurHash3's finalizer of key ^ index, all in
   * 32 bits.
   */
  draw(key: number, first: number, step: number, draws: Uint32Array): void;

  /** row[x] becomes row[x] / density (in f64, rounded to f32 once) where draws[x] < limit <= 2^31, and 0 elsewhere, in place. */
  dropDrawn(row: Float32Array, draws: Uint32Array, limit: number, density: number): void;

  /** order[i] = the position of the i-th smallest |row[x]|, the first of equals first; `room` holds length + `RANK_ROOM` words. */
  ascending(row: Float32Array, order: Uint32Array, room: Uint32Array): void;

  /**
   * row[x] becomes row[x] * factors[i] (in f64, rounded to f32 once) for x = order[i] where draws[x] < limits[i] <= 2^31, and 0 elsewhere,
   * in place.
   */
  dropRanked(
    row: Float32Array,
    order: Uint32Array,
    draws: Uint32Array,
    limits: Uint32Array,
    factors: Float64Array,
  ): void;

  /** row[x] *= factor (rounded to f32), in place. */
  scale(row: Float32Array, factor: number): void;

  /** sums[x] += row[x], in f64. */
  add(row: Float32Array, sums: Float64Array): void;

  /** out[i] = the largest |element| of row i. */
  maxAbs(rows: Float32Array, count: number, stride: number, length: number, out: Float64Array): void;

  /** out[i] = sum of squares of row i, in f64. */
  squaredNorms(rows: Float32Array, count: number, stride: number, length: number, out: Float64Array): void;
}
