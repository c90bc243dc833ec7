import { type Look, largestOfPieces } from "../elementwise/magnitude-select.ts";
import { keptCount } from "../elementwise/sparsify.ts";
import type { TaskTiles } from "./task-tiles.ts";

/** Zeroes the entries that are not selected in the next tiles of all tasks. */
export type Select = (tasks: readonly Float32Array[]) => void;

/**
 * Select the int(density n) entries whose values differ most between the tasks, by standard deviation; n counts those that differ at all,
 * and among equals the first are taken, row by row. One task differs from none and is kept whole. Takes three passes, and memory for the
 * deviations of a tile.
 *
 * @returns what starts a pass over the tiles
 */
export function largestSpread(tiles: TaskTiles, density: number): () => Select {
  if (density === 1 || tiles.weights.length === 1) return () => () => {};
  const room = tiles.kernels.f32(tiles.tileRows * tiles.columns);
  let differing = 0;
  tiles.look((tasks) => {
    const spread = deviations(tasks, room);
    for (let x = 0; x < spread.length; x++) if (spread[x]! > 0) differing++;
  });
  const size = tiles.rows * tiles.columns;
  const pieces = (look: Look): void => tiles.look((tasks) => look(deviations(tasks, room), 0));
  const fresh = largestOfPieces(tiles.kernels, pieces, 1, size, [keptCount(density, differing)])[0]![0]!;
  return () => {
    const cut = fresh();
    return (tasks) => {
      const spread = deviations(tasks, room);
      for (let x = 0; x < spread.length; x++) {
        if (cut.keeps(spread[x]!)) continue;
        for (const tile of tasks) tile[x] = 0;
      }
    };
  };
}

/** The standard deviation over the tasks of each entry; exactly 0 where all have one value. */
function deviations(tasks: readonly Float32Array[], into: Float32Array): Float32Array {
  const [first] = tasks as readonly [Float32Array, ...Float32Array[]];
  const count = tasks.length;
  const out = into.subarray(0, first.length);
  for (let x = 0; x < out.length; x++) {
    const origin = first[x]!;
    let sum = 0;
    let squares = 0;
    for (let t = 1; t < count; t++) {
      const apart = tasks[t]![x]! - origin;
      sum += apart;
      squares += apart * apart;
    }
    const mean = sum / count;
    out[x] = Math.sqrt(Math.max(0, squares / count - mean * mean));
  }
  return out;
}
