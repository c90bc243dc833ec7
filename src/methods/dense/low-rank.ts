import { seededRandom } from "../../core/random.ts";
import { isRounding } from "../../linalg/core.ts";
import { type RowSpace, transformRows, type UnitRows } from "../../units/unit-rows.ts";
import { topUnits } from "../top-units.ts";
import { orthonormalize } from "./orthonormalize.ts";
import { MOST_TILE_ROWS } from "./task-tiles.ts";

/** A matrix R (out, in) that passes its tiles of rows to `use` in ascending order, with the same values at every call. */
export type RowTiles = (use: (tile: Float32Array, from: number, rows: number) => void) => void | Promise<void>;

/** Starting directions as rows (at most `count`, in); null for random ones. */
export type StartingRows = (count: number) => Promise<Float32Array>;

/** Modules whose smaller side is at most this are decomposed exactly. */
const EXACT_SIDE = 128;
/** Extra directions beyond k that the range finder follows. */
const OVERSAMPLING = 10;
/**
 * Passes of W <- orth(R^T R W). Measured on 1024 x 1024 modules, starting from the leading directions of the sum: one pass comes within
 * 1e-4 of the residual of many at density 0.5; two beat three passes from random directions, down to density 0.02.
 */
const PASSES = 2;

/**
 * The k leading singular units of R (out, in), without ever holding R. Subspace iteration finds a basis W (l, in) of its row space
 * (Halko, Martinsson and Tropp 2011, arXiv 0909.4061, algorithm 4.4, on R^T R: one pass over the tiles each), from given directions
 * and seeded random ones. Then R W^T W is decomposed in f64. If the smaller side is at most 128, or k + 10, W spans the whole row
 * space and the result is the exact truncated SVD up to f32 rounding; otherwise `residual` reports the loss, including the
 * unavoidable part.
 *
 * @param tiles tiles of at most `MOST_TILE_ROWS` rows
 * @param start directions that are likely among the leading ones
 * @returns at most k units, and the residual of their delta R' (before its rows are rounded)
 */
export async function lowRank(
  space: RowSpace,
  tiles: RowTiles,
  k: number,
  start: StartingRows | null,
): Promise<LowRank> {
  const sketch = new Sketch(space, sketchWidth(k, space.in, space.out));
  if (sketch.width === space.in) sketch.spanAll();
  else if (sketch.width === space.out) await sketch.spanRows(tiles);
  else await sketch.iterate(tiles, (await start?.(sketch.width)) ?? new Float32Array(0));
  return sketch.decompose(tiles, k);
}

/** The leading units of a matrix. */
export interface LowRank {
  readonly rows: UnitRows;
  /** |R - R'|_F / |R|_F. */
  readonly residual: number;
  /** |R|_F^2. */
  readonly squares: number;
}

/** The number of directions to follow for rank k. */
function sketchWidth(k: number, inputs: number, out: number): number {
  const smaller = Math.min(inputs, out);
  return smaller <= EXACT_SIDE ? smaller : Math.min(smaller, k + OVERSAMPLING);
}

/** Kernel memory of `lowRank` besides its result, in bytes: about 20 l in + 8 l out, l = k + 10 or min(in, out). */
export function lowRankBytes(inputs: number, out: number, k: number): number {
  const l = sketchWidth(k, inputs, out);
  return l * (20 * inputs + 8 * out + 16 * MOST_TILE_ROWS + 8 * l + 16 * k) + 256;
}

class Sketch {
  readonly width: number;
  readonly #space: RowSpace;
  /** W (width, in), its first `#count` rows orthonormal up to f32 rounding. */
  readonly #basis: Float32Array;
  readonly #sums: Float64Array;
  readonly #tileSums: Float32Array;
  readonly #inner: Float64Array;
  readonly #turned: Float64Array;
  #count = 0;

  constructor(space: RowSpace, width: number) {
    const { kernels, in: columns } = space;
    this.width = width;
    this.#space = space;
    this.#basis = kernels.f32(width * columns);
    this.#sums = kernels.f64(width * columns);
    this.#tileSums = kernels.f32(width * columns);
    this.#inner = kernels.f64(MOST_TILE_ROWS * width);
    this.#turned = kernels.f64(MOST_TILE_ROWS * width);
  }

  spanAll(): void {
    this.#basis.fill(0);
    for (let i = 0; i < this.width; i++) this.#basis[i * this.width + i] = 1;
    this.#count = this.width;
  }

  async spanRows(tiles: RowTiles): Promise<void> {
    await tiles((tile, from) => this.#sums.set(tile, from * this.#space.in));
    this.#count = orthonormalize(this.#sums, this.width, this.#space.in, this.#basis);
  }

  async iterate(tiles: RowTiles, start: Float32Array): Promise<void> {
    this.#start(start);
    for (let pass = 0; pass < PASSES; pass++) {
      this.#sums.fill(0);
      await tiles((tile, _, rows) => this.#addSquare(tile, rows));
      this.#count = orthonormalize(this.#sums, this.#count, this.#space.in, this.#basis);
    }
  }

  /** The given directions first, then random ones. */
  #start(directions: Float32Array): void {
    const random = seededRandom(0);
    this.#sums.set(directions);
    for (let x = directions.length; x < this.#sums.length; x++) this.#sums[x] = random.uniform() - 0.5;
    this.#count = orthonormalize(this.#sums, this.width, this.#space.in, this.#basis);
  }

  /** sums += W R^T R, for a tile of rows of R. */
  #addSquare(tile: Float32Array, rows: number): void {
    const { kernels, in: columns } = this.#space;
    const count = this.#count;
    const inner = this.#innerProducts(tile, rows);
    const turned = this.#turned.subarray(0, rows * count);
    for (let i = 0; i < rows; i++) for (let j = 0; j < count; j++) turned[j * rows + i] = inner[i * count + j]!;
    kernels.multiply(turned, count, tile, rows, columns, columns, this.#tileSums, columns);
    kernels.add(this.#tileSums.subarray(0, count * columns), this.#sums);
  }

  /** R W^T (rows, count) for a tile of rows of R. */
  #innerProducts(tile: Float32Array, rows: number): Float64Array {
    const { kernels, in: columns } = this.#space;
    const inner = this.#inner.subarray(0, rows * this.#count).fill(0);
    kernels.cross(tile, rows, columns, this.#basis, this.#count, columns, columns, inner);
    return inner;
  }

  async decompose(tiles: RowTiles, k: number): Promise<LowRank> {
    const { kernels, in: columns, out } = this.#space;
    const l = this.#count;
    const basis = this.#basis.subarray(0, l * columns);
    const amongA = kernels.f64(l * l).fill(0);
    kernels.gramF64(basis, l, columns, columns, amongA);
    mirror(amongA, l);
    const amongB = new Float64Array(l * l);
    const b = kernels.f32(l * out);
    let squares = 0;
    await tiles((tile, from, rows) => {
      for (let x = 0; x < tile.length; x++) squares += tile[x]! * tile[x]!;
      const inner = this.#innerProducts(tile, rows);
      const solved = this.width === columns ? inner : this.#correct(inner, rows, amongA);
      for (let i = 0; i < rows; i++) {
        const row = solved.subarray(i * l, (i + 1) * l);
        for (let j = 0; j < l; j++) {
          const value = row[j]!;
          b[j * out + from + i] = value;
          for (let m = j; m < l; m++) amongB[j * l + m]! += value * row[m]!;
        }
      }
    });
    mirror(amongB, l);
    const top = topUnits({ count: l, amongA, amongB }, k);
    // Values below 1e-6 of the largest come from rounding tiles and basis to f32.
    const sigma = top.sigma.filter((value) => !isRounding(value, top.sigma[0]!));
    const captured = sigma.reduce((sum, value) => sum + value * value, 0);
    const units = { count: l, a: basis, b };
    const rows = transformRows(this.#space, units, top.a.slice(0, sigma.length), top.b.slice(0, sigma.length));
    return { rows, residual: squares === 0 ? 0 : Math.sqrt(Math.max(0, 1 - captured / squares)), squares };
  }

  /** Y (2 I - H), which is Y H^-1 here: rounding W to f32 moves its Gram matrix H only 1e-7 away from I. */
  #correct(inner: Float64Array, rows: number, gram: Float64Array): Float64Array {
    const l = this.#count;
    const solved = this.#turned.subarray(0, rows * l);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < l; j++) {
        let sum = 2 * inner[i * l + j]!;
        for (let m = 0; m < l; m++) sum -= inner[i * l + m]! * gram[m * l + j]!;
        solved[i * l + j] = sum;
      }
    }
    return solved;
  }
}

function mirror(upper: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) upper[i * n + j] = upper[j * n + i]!;
}
