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
}

/** The merged matrix of all tasks, tile by tile. */
export function mergedTiles(tiles: TaskTiles, { prepare, combine }: ElementwiseRule): RowTiles {
  const { columns, kernels } = tiles;
  const weights = kernels.f64(tiles.weights.length);
  weights.set(tiles.weights);
  const room = kernels.f32(tiles.tileRows * columns);
  const begin = prepare(tiles);
  return (use) => {
    const sparsify = begin();
    tiles.each((tasks, from, rows) => {
      for (const [t, tile] of tasks.entries()) sparsify(tile, t, from * columns);
      const merged = room.subarray(0, rows * columns);
      combine(tiles, weights, merged.length, merged);
      use(merged, from, rows);
    });
  };
}
