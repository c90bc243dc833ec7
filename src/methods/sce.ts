import { tiledMethod } from "./dense/dense-method.ts";
import type { RowTiles } from "./dense/low-rank.ts";
import { mergedBy } from "./dense/merge-tiles.ts";
import { deltaDensity } from "./dense/options.ts";
import { largestSpread, type Select } from "./dense/spread.ts";
import type { TaskTiles } from "./dense/task-tiles.ts";
import type { DensityOption } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

/** The vote is on the values, and the mean is by the weights that follow from their squares. */
const VOTE = { weighted: false, byValue: true, divisor: "weights" } as const;

/**
 * SCE on the dense deltas: select the entries that vary most between the adapters, calculate each adapter's weight from the squares of its
 * selected entries, and erase the entries whose sign is not that of the sum. What is left is averaged by weight and cut to rank k by
 * its singular values.
 */
export const sce: Method<DensityOption> = tiledMethod<DensityOption>({
  id: "sce",
  title: "SCE (select by variance, calculate weights, erase minority signs)",
  reference: "Wan et al. 2024, FuseChat, arXiv 2408.07990; mergekit, merge_method sce",
  single: "exact",
  weights: "relative",
  parameters: {
    density: { ...deltaDensity(1), description: "share of the entries to keep, those that vary most between adapters" },
  },
  merged(tiles, { density }): RowTiles {
    const { kernels } = tiles;
    const begin = largestSpread(tiles, density);
    const weights = kernels.f64(tiles.weights.length);
    weights.set(weightsOf(tiles, begin()));
    return mergedBy(tiles, () => {
      const select = begin();
      return (tasks, _, merged) => {
        select(tasks);
        kernels.electedMean(tiles.stacked, tasks.length, tiles.stride, merged.length, weights, VOTE, merged);
      };
    });
  },
});

/** Each task's share of the squares of all selected entries, times its own weight; equal squares where all are zero. */
function weightsOf(tiles: TaskTiles, select: Select): number[] {
  const squares = tiles.weights.map(() => 0);
  tiles.each((tasks) => {
    select(tasks);
    for (const [t, tile] of tasks.entries()) {
      let sum = 0;
      for (let x = 0; x < tile.length; x++) sum += tile[x]! * tile[x]!;
      squares[t]! += sum;
    }
  });
  const total = squares.reduce((sum, value) => sum + value, 0);
  return squares.map((value, t) => tiles.weights[t]! * (total === 0 ? 1 : value / total));
}
