import type { Adapter, AdapterModule, ComputedFactor, FactorRef, MatrixRef } from "../adapter/adapter.ts";
import type { ByteSource } from "../core/bytes.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { RowTiles } from "../methods/dense/low-rank.ts";
import { MOST_TILE_ROWS } from "../methods/dense/task-tiles.ts";
import { readComputed } from "../units/read-computed.ts";
import { type BakedModule, leadingRows, shareOf, withFactors } from "./baked-modules.ts";

/**
 * An adapter in which deltas that were read whole, one half being the identity, are their leading singular units; these are f32 and held in
 * memory. A notice says how much of them is kept. Other modules, and deltas of no larger rank, are unchanged.
 *
 * @param rank how many units; null for the rank of what a module stores
 */
export async function atRank(kernels: Kernels, adapter: Adapter, rank: number | null): Promise<Adapter> {
  const baked: BakedModule[] = [];
  for (const module of adapter.modules.values()) {
    const whole = wholeHalf(module);
    if (whole === null) continue;
    const { half, matrix } = whole;
    const most = rank ?? ownRank(matrix.matrix);
    if (module.rank <= most) continue;
    const size = { rows: matrix.size, columns: matrix.rank };
    const tilesOf = (tile: Float32Array): RowTiles => entriesOf(adapter.files, matrix, module.scale, tile);
    const { across, along, ...share } = await leadingRows(kernels, size, tilesOf, most);
    const halves = half === "b" ? { a: across, b: along } : { a: along, b: across };
    baked.push({ module, ...halves, ...share });
  }
  if (baked.length === 0) return adapter;
  const { rank: largest, kept, error } = shareOf(baked);
  const text = `${adapter.name} changes the base's weights by ${baked.length} matrices of full rank, so LoRA of rank ${largest} at most were extracted from these, which keep ${kept}% of their squared norm (relative error ${error}); a larger --rank keeps more.`;
  const notices = [
    ...adapter.notices.filter(({ id }) => id !== "exact-rank"),
    { id: "method-extracted", text } as const,
  ];
  return withFactors({ ...adapter, notices }, baked, "at a rank");
}

/** The half of a module that is the whole delta, the other being the identity; null where there is none. */
function wholeHalf({ a, b }: AdapterModule): { half: "a" | "b"; matrix: ComputedFactor } | null {
  if (isIdentity(a) && "matrix" in b) return { half: "b", matrix: b };
  return isIdentity(b) && "matrix" in a ? { half: "a", matrix: a } : null;
}

/** The rank of the factors, or the rows of the blocks, from which a whole delta is made. */
function ownRank(matrix: MatrixRef): number {
  if (matrix.op === "blocks") return matrix.size;
  if (matrix.op === "hadamard" && matrix.left.op === "product") return matrix.left.left.columns;
  return matrix.rows;
}

function isIdentity(factor: FactorRef): boolean {
  return "matrix" in factor && factor.matrix.op === "identity";
}

/** The transpose of a factor times a scale, tile by tile: row x are entry x of all units. */
function entriesOf(files: readonly ByteSource[], factor: ComputedFactor, scale: number, tile: Float32Array): RowTiles {
  const { rank, size } = factor;
  const block = new Float32Array(rank * MOST_TILE_ROWS);
  return async (use) => {
    for (let from = 0; from < size; from += MOST_TILE_ROWS) {
      const count = Math.min(MOST_TILE_ROWS, size - from);
      const values = block.subarray(0, rank * count);
      const bytes = new Uint8Array(values.buffer, 0, values.byteLength);
      await readComputed(files, factor, from, count, { bytes, strides: { unit: count, entry: 1 } });
      const rows = tile.subarray(0, count * rank);
      for (let unit = 0; unit < rank; unit++) {
        for (let x = 0; x < count; x++) rows[x * rank + unit] = scale * values[unit * count + x]!;
      }
      use(rows, from, count);
    }
  };
}
