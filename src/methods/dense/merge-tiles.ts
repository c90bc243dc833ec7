import type { Combine } from "../elementwise/combine.ts";
import type { RowTiles } from "./low-rank.ts";
import type { TaskTiles } from "./task-tiles.ts";

/** Sparsifies the next tile of a task in place; `from` is the index of its first entry in the task's matrix, row by row. */
export type Sparsify = (tile: Float32Array, task: number, from: number) => void;

/** An elementwise method: how it sparsifies each task's entries, and how it merges them. */
export interface ElementwiseRule {
  /**
   * Look at the whole matrices if needed (for thresholds), and return the function that starts a pass. In each pass tiles come in
   * ascending order, and every pass sees the same values.
   */
  prepare(tiles: TaskTiles): () => Sparsify;
  readonly combine: Combine;
  /**
   * How many merged entries stay from the first pass to the others, where sparsifying takes most of the time and each row is sparsified by
   * itself. Default: none.
   */
  readonly remembered?: number;
}

/** The merged matrix of all tasks, tile by tile. Takes four bytes for each remembered entry besides kernel memory. */
export function mergedTiles(tiles: TaskTiles, { prepare, combine, remembered = 0 }: ElementwiseRule): RowTiles {
  const { columns, kernels, tileRows } = tiles;
  const weights = kernels.f64(tiles.weights.length);
  weights.set(tiles.weights);
  const room = kernels.f32(tileRows * columns);
  const begin = prepare(tiles);
  const most = Math.floor(remembered / columns / tileRows) * tileRows;
  const kept = new Float32Array(Math.min(tiles.rows, most) * columns);
  let known = 0;
  return (use) => {
    for (let from = 0; from < known; from += tileRows) {
      const merged = kept.subarray(from * columns, Math.min(known, from + tileRows) * columns);
      const tile = room.subarray(0, merged.length);
      tile.set(merged);
      use(tile, from, merged.length / columns);
    }
    const sparsify = begin();
    tiles.each((tasks, from, rows) => {
      for (const [t, tile] of tasks.entries()) sparsify(tile, t, from * columns);
      const merged = room.subarray(0, rows * columns);
      combine(tiles, weights, merged.length, merged);
      if ((from + rows) * columns <= kept.length) kept.set(merged, from * columns);
      use(merged, from, rows);
    }, known);
    known = kept.length / columns;
  };
}
