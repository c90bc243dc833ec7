import type { LiveUnits } from "../../units/live-units.ts";
import type { Pool } from "../../units/pool.ts";
import type { MergedModule, MergeRequest, Method, ModuleShape } from "../method.ts";
import { topUnits } from "../top-units.ts";
import { deltaTasks, deltaTasksBytes } from "./delta-tasks.ts";
import { lowRank, lowRankBytes, type RowTiles, type StartingRows } from "./low-rank.ts";
import { type ElementwiseRule, mergedTiles } from "./merge-tiles.ts";
import { TaskTiles, taskTilesBytes } from "./task-tiles.ts";

/** What methods on dense deltas say of themselves. */
type OwnFields<Options> = Pick<Method<Options>, "id" | "title" | "reference" | "single" | "parameters">;

/** What differs between methods that sparsify each delta by itself. */
export interface DenseMethod<Options> extends OwnFields<Options> {
  rule(options: Options): ElementwiseRule;
}

/** What differs between methods on dense deltas. */
export interface TiledMethod<Options> extends OwnFields<Options>, Pick<Method<Options>, "weights"> {
  /** The merged matrix of all tasks. It takes at most a tile and a weight per task of kernel memory. */
  merged(tiles: TaskTiles, options: Options): RowTiles;
}

/** A method that sparsifies each delta by itself and merges the entries; see `tiledMethod`. */
export function denseMethod<Options>({ rule, ...own }: DenseMethod<Options>): Method<Options> {
  return tiledMethod({ ...own, weights: "linear", merged: (tiles, options) => mergedTiles(tiles, rule(options)) });
}

/**
 * A method that works on the entries of the dense deltas D_t (out, in), tile by tile, and cuts the result to rank k. It never holds a
 * whole out x in matrix. Kernel memory besides the pool and the result: `denseBytes`.
 */
export function tiledMethod<Options>({ merged, ...own }: TiledMethod<Options>): Method<Options> {
  return {
    ...own,
    dependsOn: "delta",
    needs: { cut: true },
    precise: () => true,
    yields: "rows",
    cut: "svd",
    defaultTarget: (largest) => ({ kind: "rank", rank: largest }),
    fullRank: (_, { in: inputs, out }) => Math.min(inputs, out),
    scratchBytes: denseBytes,
    merge: (pool, request) => cutMerged(pool, request, merged, (count) => leadingRows(pool, count)),
    many: { merge: (pool, request) => cutMerged(pool, request, merged, null) },
  };
}

async function cutMerged<Options>(
  pool: LiveUnits,
  { rank, options }: MergeRequest<Options>,
  merged: TiledMethod<Options>["merged"],
  start: StartingRows | null,
): Promise<MergedModule> {
  const tasks = await deltaTasks(pool);
  if (tasks.length === 0) return nothing(pool);
  const tiles = new TaskTiles(pool.kernels, tasks, pool.out, pool.in);
  const { rows, residual } = await lowRank(pool, merged(tiles, options), rank, start);
  return { combinations: null, rows, residual };
}

/** The leading right singular vectors of sum w_t D_t, at most `count`. */
async function leadingRows(pool: Pool, count: number): Promise<Float32Array> {
  const { count: n, weights, gramA, gramB } = pool;
  const amongA = gramA.map((value, cell) => value * weights[Math.floor(cell / n)]! * weights[cell % n]!);
  const { a } = topUnits({ count: n, amongA, amongB: gramB }, count);
  const members = Int32Array.from({ length: n }, (_, i) => i);
  const rows = await pool.combine(a.map((row) => ({ members, a: row.map((x, i) => x * weights[i]!), b: row })));
  return rows.a;
}

/** The result of a module without live units. */
function nothing({ kernels }: LiveUnits): MergedModule {
  return { combinations: null, rows: { count: 0, a: kernels.f32(0), b: kernels.f32(0) }, residual: 0 };
}

/**
 * Kernel memory in bytes: the N units as f32, 4 N (in + out); the tiles, about a megabyte; and the range finder's 16 l in + 4 l out for
 * l = k + 10 directions.
 */
function denseBytes({ in: inputs, out, ranks, rank }: ModuleShape): number {
  const units = ranks.reduce((sum, value) => sum + value, 0);
  return (
    deltaTasksBytes(units, ranks.length, inputs, out) +
    taskTilesBytes(ranks.length, inputs, Math.max(...ranks)) +
    lowRankBytes(inputs, out, rank)
  );
}
