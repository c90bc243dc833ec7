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

/** Merges the same rows of all tasks, whose tiles it may change; `from` is the first row. */
export type MergeTile = (tasks: readonly Float32Array[], from: number, merged: Float32Array) => void;

/** Merged entries that stay from the first pass to the others: 64 MB, a module of 4096 x 4096. */
const REMEMBERED = 2 ** 24;

/** The merged matrix of all tasks by an elementwise rule; `remembered` as in `mergedBy`. */
export function mergedTiles(tiles: TaskTiles, { prepare, combine }: ElementwiseRule, remembered?: number): RowTiles {
  const weights = tiles.kernels.f64(tiles.weights.length);
  weights.set(tiles.weights);
  const begin = prepare(tiles);
  const beginMerge = (): MergeTile => {
    const sparsify = begin();
    return (tasks, from, merged) => {
      for (const [t, tile] of tasks.entries()) sparsify(tile, t, from * tiles.columns);
      combine(tiles, weights, merged.length, merged);
    };
  };
  return mergedBy(tiles, beginMerge, remembered);
}

/**
 * The merged matrix of all tasks, tile by tile. The first pass keeps its last rows, and the others take them from there; rows before those
 * are merged as in the first pass, whatever a merge counts on its way.
 *
 * @param begin starts a pass
 * @param remembered entries to keep at most, of 4 bytes each besides kernel memory
 */
export function mergedBy(tiles: TaskTiles, begin: () => MergeTile, remembered: number = REMEMBERED): RowTiles {
  const { columns, kernels, tileRows, rows: all } = tiles;
  const room = kernels.f32(tileRows * columns);
  const least = Math.max(0, all - Math.floor(remembered / columns));
  const first = Math.min(all, Math.ceil(least / tileRows) * tileRows);
  const kept = new Float32Array((all - first) * columns);
  let known = false;
  return (use) => {
    const end = known ? first : all;
    if (end > 0) {
      const merge = begin();
      tiles.each((tasks, from, rows) => {
        const merged = room.subarray(0, rows * columns);
        merge(tasks, from, merged);
        if (from >= first) kept.set(merged, (from - first) * columns);
        use(merged, from, rows);
      }, end);
    }
    for (let from = end; from < all; from += tileRows) {
      const merged = kept.subarray((from - first) * columns, (from - first + tileRows) * columns);
      const tile = room.subarray(0, merged.length);
      tile.set(merged);
      use(tile, from, merged.length / columns);
    }
    known = true;
  };
}
