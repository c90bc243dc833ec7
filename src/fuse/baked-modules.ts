import type { Adapter, AdapterModule, FactorRef } from "../adapter/adapter.ts";
import { denseFactor } from "../adapter/dense-factor.ts";
import { memorySource } from "../core/bytes.ts";
import { maximum } from "../core/maximum.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { lowRank, lowRankBytes, type RowTiles } from "../methods/dense/low-rank.ts";
import { MOST_TILE_ROWS } from "../methods/dense/task-tiles.ts";

/** How much of a change its leading units are: the change's squared norm, and the part of it that is lost. */
interface Share {
  readonly rank: number;
  readonly squares: number;
  readonly lost: number;
}

/** A module's units in f32, and how much of its change they are. */
export interface BakedModule extends Share {
  readonly module: AdapterModule;
  /** A (rank, in) and B (rank, out), unit after unit. */
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/**
 * The leading singular units of a matrix.
 *
 * @param tilesOf its tiles of rows, with room for one of `MOST_TILE_ROWS`
 * @param rank where it is not larger than the matrix
 * @returns halves along its columns (rank, columns) and along its rows (rank, rows)
 */
export async function leadingRows(
  kernels: Kernels,
  { rows, columns }: { readonly rows: number; readonly columns: number },
  tilesOf: (tile: Float32Array) => RowTiles,
  rank: number,
): Promise<Share & { readonly across: Float32Array; readonly along: Float32Array }> {
  const k = Math.min(rank, rows, columns);
  kernels.reset(lowRankBytes(columns, rows, k) + 4 * k * (rows + columns) + 4 * MOST_TILE_ROWS * columns + 4096);
  const tiles = tilesOf(kernels.f32(MOST_TILE_ROWS * columns));
  const { rows: units, residual, squares } = await lowRank({ kernels, in: columns, out: rows }, tiles, k, null);
  // A change of zero has no units, but every module has one.
  const count = Math.max(1, units.count);
  const [across, along] = [new Float32Array(count * columns), new Float32Array(count * rows)];
  across.set(units.a.subarray(0, units.count * columns));
  along.set(units.b.subarray(0, units.count * rows));
  return { rank: count, squares, lost: squares * residual * residual, across, along };
}

/** What all modules together keep of their changes, for messages. */
export function shareOf(baked: readonly Share[]): {
  readonly rank: number;
  readonly kept: string;
  readonly error: string;
} {
  const squares = baked.reduce((sum, one) => sum + one.squares, 0);
  const lost = baked.reduce((sum, one) => sum + one.lost, 0);
  const share = squares === 0 ? 0 : lost / squares;
  return {
    rank: maximum(baked.map(({ rank }) => rank)),
    kept: (100 * (1 - share)).toFixed(1),
    error: Math.sqrt(share).toPrecision(2),
  };
}

/**
 * An adapter some of whose modules have other factors, in f32 and with the scale 1; they are held in memory.
 *
 * @param what they are, for messages
 */
export function withFactors(adapter: Adapter, baked: readonly BakedModule[], what: string): Adapter {
  const bytes = new Uint8Array(4 * baked.reduce((sum, { a, b }) => sum + a.length + b.length, 0));
  const file = adapter.files.length;
  let end = 0;
  const stored = (name: string, values: Float32Array, rank: number): FactorRef => {
    const begin = end;
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), begin);
    end += values.byteLength;
    const shape = [rank, values.length / rank];
    return denseFactor({ name, file, dtype: "F32", shape, begin, end }, "rows", rank);
  };
  const modules = new Map(adapter.modules);
  for (const { module, rank, a, b } of baked) {
    const { name } = module;
    modules.set(name, {
      ...module,
      rank,
      scale: 1,
      a: stored(`${name}.lora_A.weight`, a, rank),
      b: stored(`${name}.lora_B.weight`, b, rank),
    });
  }
  return { ...adapter, files: [...adapter.files, memorySource(`${adapter.name} ${what}`, bytes)], modules };
}
