import type { Kernels } from "../../kernels/kernels.ts";
import { searchBytes } from "../elementwise/magnitude-select.ts";
import { rankedDropsBytes } from "../elementwise/ranked-drops.ts";

/** One task's matrix (rows, columns) as a product: entry (o, x) = sum_j b[j * rows + o] a[j * columns + x], j < rank. */
export interface Task {
  readonly weight: number;
  readonly rank: number;
  /** (rank, columns), in kernel memory. */
  readonly a: Float32Array;
  /** (rank, rows). */
  readonly b: Float32Array | Float64Array;
}

/** Uses the same rows of all tasks, row-major; `from` is the first row. The tiles are void after the call. */
export type UseTiles = (tiles: readonly Float32Array[], from: number, rows: number) => void;

/** Bytes of one row tile of all tasks and their merge together: about the size of a second-level cache. */
const TILES_BYTES = 2 ** 20;
/** The most rows of a tile; more rows gain nothing. */
export const MOST_TILE_ROWS = 64;

/**
 * Dense matrices of several tasks that need not be held whole: every pass computes their rows again, tile by tile, unless all are in one
 * tile that is as it was. An entry is a sum of f64 products over j in order, rounded to f32 once, so it has the same bits whatever the
 * tile size.
 */
export class TaskTiles {
  readonly rows: number;
  readonly columns: number;
  readonly weights: readonly number[];
  readonly kernels: Kernels;
  readonly #tasks: readonly Task[];
  /** The most rows in one tile. */
  readonly tileRows: number;
  /** All tasks' tiles: entry x of task t's tile at t * stride + x. */
  readonly stacked: Float32Array;
  readonly stride: number;
  readonly #coefficients: Float64Array;
  /** Whether the tile holds all rows. */
  #whole = false;

  /** @param tileRows rows computed at once; the arena must have `taskTilesBytes` free */
  constructor(kernels: Kernels, tasks: readonly Task[], rows: number, columns: number, tileRows?: number) {
    this.rows = rows;
    this.columns = columns;
    this.weights = tasks.map(({ weight }) => weight);
    this.kernels = kernels;
    this.#tasks = tasks;
    this.tileRows = Math.min(rows, tileRows ?? rowsOfTile(tasks.length, columns));
    this.stride = this.tileRows * columns;
    this.stacked = kernels.f32(tasks.length * this.stride);
    this.#coefficients = kernels.f64(this.tileRows * Math.max(0, ...tasks.map(({ rank }) => rank)));
  }

  /** Hand all rows to `use`, in ascending order. It must not change the tiles. */
  look(use: UseTiles): void {
    this.#visit(use);
    this.#whole = this.tileRows === this.rows;
  }

  /** Hand the rows before `end` to `use`, in ascending order. It may change the tiles. */
  each(use: UseTiles, end: number = this.rows): void {
    this.#visit(use, end);
    this.#whole = false;
  }

  #visit(use: UseTiles, end: number = this.rows): void {
    const { columns } = this;
    for (let from = 0; from < end; from += this.tileRows) {
      const rows = Math.min(this.tileRows, end - from);
      const tiles = this.#tasks.map((_, t) => {
        const start = t * this.stride;
        return this.stacked.subarray(start, start + rows * columns);
      });
      if (!this.#whole) for (const [t, tile] of tiles.entries()) this.#fill(this.#tasks[t]!, from, rows, tile);
      use(tiles, from, rows);
    }
  }

  #fill({ rank, a, b }: Task, from: number, rows: number, tile: Float32Array): void {
    const coefficients = this.#coefficients.subarray(0, rows * rank);
    for (let j = 0; j < rank; j++) {
      for (let i = 0; i < rows; i++) coefficients[i * rank + j] = b[j * this.rows + from + i]!;
    }
    this.kernels.multiply(coefficients, rows, a, rank, this.columns, this.columns, tile, this.columns);
  }
}

function rowsOfTile(tasks: number, columns: number): number {
  return Math.max(1, Math.min(MOST_TILE_ROWS, Math.floor(TILES_BYTES / (4 * columns * (tasks + 1)))));
}

/**
 * Kernel memory for tiles of such tasks, in bytes: a megabyte, or one row of every task and their merge if that is larger; the coefficients;
 * and what rules look at them with: a tile of draws or deviations, and a search for two thresholds or the ranks of a row. It does not grow
 * with the number of rows.
 */
export function taskTilesBytes(tasks: number, columns: number, largestRank: number): number {
  const tile = Math.max(TILES_BYTES / (tasks + 1), 4 * columns);
  return (
    (tasks + 2) * tile +
    8 * MOST_TILE_ROWS * largestRank +
    Math.max(searchBytes(tasks, 2), rankedDropsBytes(columns)) +
    8 * tasks +
    128
  );
}
