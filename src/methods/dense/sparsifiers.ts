import { largestOfPieces } from "../elementwise/magnitude-select.ts";
import { EntryRanks } from "../elementwise/rank-entries.ts";
import { bernoulliMask, dropAndRescale, hashedDraws, keptCount } from "../elementwise/sparsify.ts";
import type { ElementwiseRule } from "./merge-tiles.ts";
import type { TaskTiles } from "./task-tiles.ts";

type Prepare = ElementwiseRule["prepare"];

/** Tells the masks of dense deltas from those of A (0) and B (1). */
const DELTA = 2;

/** Keep all. */
export function keepAll(): Prepare {
  return () => () => () => {};
}

/** Keep the int(density n) largest |entries| of each task's whole matrix; the first of equals, row by row. */
export function largestShare(density: number): Prepare {
  return (tiles) => {
    const size = tiles.rows * tiles.columns;
    const cuts = largestOfPieces(piecesOf(tiles), tiles.weights.length, size, [keptCount(density, size)]);
    return () => {
      const fresh = cuts.map(([cut]) => cut!());
      return (tile, task) => fresh[task]!.pruneInPlace(tile);
    };
  };
}

/** Keep the int(density n) entries that are left when the largest int(gamma n) are taken away first, then the smallest. */
export function middleShare(density: number, gamma: number): Prepare {
  return (tiles) => {
    const size = tiles.rows * tiles.columns;
    const kept = keptCount(density, size);
    const top = Math.min(keptCount(gamma, size), size - kept);
    const cuts = largestOfPieces(piecesOf(tiles), tiles.weights.length, size, [top, top + kept]);
    return () => {
      const fresh = cuts.map(([outliers, rest]) => [outliers!(), rest!()] as const);
      return (tile, task) => {
        const [outliers, rest] = fresh[task]!;
        for (let i = 0; i < tile.length; i++) {
          const value = tile[i]!;
          // Both cuts count their ties, so both must see every entry.
          const outlier = outliers.keeps(value);
          if (!rest.keeps(value) || outlier) tile[i] = 0;
        }
      };
    };
  };
}

/** DARE: keep each entry with probability `density`, and divide what is kept by it. */
export function droppedAtRandom(density: number, seed: number): Prepare {
  const mask = bernoulliMask(seed, DELTA, density);
  return () => () => (tile, task, from) => dropAndRescale(tile, task, mask, density, from);
}

/**
 * DELLA's MAGPRUNE: the entry of rank i (from the smallest, 0 .. n - 1) of its row is kept with probability
 * density - epsilon (1/2 - i / (n - 1)), at least 0 and at most 1, and divided by it.
 */
export function droppedByRank(density: number, epsilon: number, seed: number): Prepare {
  if (density === 1) return keepAll();
  const draw = hashedDraws(seed, DELTA);
  return ({ columns }) => {
    const ranks = new EntryRanks(columns);
    const probabilities = Float64Array.from({ length: columns }, (_, i) => {
      const place = columns === 1 ? 0 : 1 / 2 - i / (columns - 1);
      return Math.max(0, Math.min(1, density - epsilon * place));
    });
    return () => (tile, task, from) => {
      for (let start = 0; start < tile.length; start += columns) {
        const row = tile.subarray(start, start + columns);
        const order = ranks.ascending(row);
        for (let i = 0; i < columns; i++) {
          const x = order[i]!;
          const probability = probabilities[i]!;
          row[x] = draw(task, from + start + x) < probability * 2 ** 32 ? row[x]! / probability : 0;
        }
      }
    };
  };
}

function piecesOf(tiles: TaskTiles) {
  return (use: (values: Float32Array, task: number) => void): void => {
    tiles.each((tasks) => {
      for (const [t, tile] of tasks.entries()) use(tile, t);
    });
  };
}
