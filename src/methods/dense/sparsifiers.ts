import { type Draws, HashedDraws, limitOf } from "../elementwise/draws.ts";
import { type Look, largestOfPieces } from "../elementwise/magnitude-select.ts";
import { RankedDrops } from "../elementwise/ranked-drops.ts";
import { keptCount } from "../elementwise/sparsify.ts";
import type { ElementwiseRule } from "./merge-tiles.ts";
import type { TaskTiles } from "./task-tiles.ts";

type Prepare = ElementwiseRule["prepare"];

/** Number of the masks of dense deltas; A has 0, B has 1. */
const DELTA = 2;

/** Keep all. */
export function keepAll(): Prepare {
  return () => () => () => {};
}

/** Keep the int(density n) largest |entries| of each task's whole matrix; among equals the first, row by row. */
export function largestShare(density: number): Prepare {
  return (tiles) => {
    const size = tiles.rows * tiles.columns;
    const cuts = largestOfPieces(tiles.kernels, piecesOf(tiles), tiles.weights.length, size, [
      keptCount(density, size),
    ]);
    return () => {
      const fresh = cuts.map(([cut]) => cut!());
      return (tile, task) => fresh[task]!.prune(tiles.kernels, tile);
    };
  };
}

/** Keep int(density n) entries: drop the int(gamma n) largest first, then the smallest. */
export function middleShare(density: number, gamma: number): Prepare {
  return (tiles) => {
    const size = tiles.rows * tiles.columns;
    const kept = keptCount(density, size);
    const top = Math.min(keptCount(gamma, size), size - kept);
    const cuts = largestOfPieces(tiles.kernels, piecesOf(tiles), tiles.weights.length, size, [top, top + kept]);
    return () => {
      const fresh = cuts.map(([outliers, rest]) => [outliers!(), rest!()] as const);
      return (tile, task) => {
        const [outliers, rest] = fresh[task]!;
        const most = outliers.threshold;
        const least = rest.threshold;
        for (let i = 0; i < tile.length; i++) {
          const value = tile[i]!;
          const magnitude = Math.abs(value);
          if (magnitude !== most && magnitude !== least) {
            tile[i] = value * Number(magnitude < most) * Number(magnitude > least);
            continue;
          }
          // Both cuts count their ties, so both must see this entry.
          const outlier = outliers.keeps(value);
          if (!rest.keeps(value) || outlier) tile[i] = 0;
        }
      };
    };
  };
}

/** The numbers drawn from a seed. */
export function deltaDraws(seed: number): Draws {
  return new HashedDraws(seed, DELTA);
}

/** DARE: keep each entry whose number is below `density`, and divide it by `density`. */
export function droppedAtRandom(density: number, draws: Draws): Prepare {
  const limit = limitOf(density);
  return ({ kernels, tileRows, columns }) => {
    const room = kernels.u32(tileRows * columns);
    return () => (tile, task, from) => {
      const drawn = room.subarray(0, tile.length);
      draws.fill(kernels, task, from, 1, drawn);
      kernels.dropDrawn(tile, drawn, limit, density);
    };
  };
}

/**
 * DELLA's MAGPRUNE: the entry of rank i in its row (from the smallest, 0 .. n - 1) is kept with probability
 * density - epsilon (1/2 - i / (n - 1)), clamped to [0, 1], and divided by it.
 */
export function droppedByRank(density: number, epsilon: number, seed: number): Prepare {
  if (density === 1) return keepAll();
  const draws = deltaDraws(seed);
  return ({ kernels, columns }) => {
    const drops = new RankedDrops(kernels, columns, (i) => {
      const place = columns === 1 ? 0 : 1 / 2 - i / (columns - 1);
      return Math.max(0, Math.min(1, density - epsilon * place));
    });
    const drawn = kernels.u32(columns);
    return () => (tile, task, from) => {
      for (let start = 0; start < tile.length; start += columns) {
        draws.fill(kernels, task, from + start, 1, drawn);
        drops.apply(tile.subarray(start, start + columns), drawn);
      }
    };
  };
}

function piecesOf(tiles: TaskTiles) {
  return (look: Look): void => {
    tiles.look((tasks) => {
      for (const [t, tile] of tasks.entries()) look(tile, t);
    });
  };
}
