import type { LiveUnits } from "../../units/live-units.ts";
import { type Alignment, type Sparsifier, visitAdapters } from "./alignment.ts";
import { type Draws, HashedDraws, limitOf } from "./draws.ts";

/**
 * How kept entries are rescaled: by 1 / density as in the paper and PEFT, back to each tensor's L1 norm as in mergekit, or not at
 * all.
 */
export const RESCALES = ["density", "l1", "none"] as const;
/** How the entries that a random mask keeps are scaled. */
export type Rescale = (typeof RESCALES)[number];

/** The numbers of tensor 0 (A) or 1 (B); their tasks are canonical places, their indices those of the stored tensor. */
export type FactorDraws = (tensor: number) => Draws;

/** The numbers drawn from a seed. */
export function seededDraws(seed: number): FactorDraws {
  return (tensor) => new HashedDraws(seed, tensor);
}

/** DARE (Yu et al. 2023, arXiv 2311.03099): keep the entries of A_t and B_t whose numbers are below `density`, and rescale them. */
export function byChance(draws: FactorDraws, density: number, rescale: Rescale): Sparsifier {
  const limit = limitOf(density);
  return async (pool, alignment, half) => {
    const { rank, adapters } = alignment;
    const { kernels } = pool;
    const own = draws(half === "a" ? 0 : 1);
    const room = kernels.u32(pool.stripWidth);
    /** The numbers of row i of a strip: A is stored as (rank, in), B as (out, rank). */
    const ofRow: DrawRow = (t, i, length, offset) => {
      const drawn = room.subarray(0, length);
      if (half === "a") own.fill(kernels, t, i * pool.in + offset, 1, drawn);
      else own.fill(kernels, t, offset * rank + i, rank, drawn);
      return drawn;
    };
    const divisors =
      rescale === "l1"
        ? await keptNorms(pool, alignment, half, ofRow, limit)
        : adapters.map(() => (rescale === "density" ? density : 1));
    return (t, block, length, offset) => {
      for (let i = 0; i < rank; i++) {
        const row = block.subarray(i * length, (i + 1) * length);
        kernels.dropDrawn(row, ofRow(t, i, length, offset), limit, divisors[t]!);
      }
    };
  };
}

type DrawRow = (t: number, i: number, length: number, offset: number) => Uint32Array;

/** The share of each adapter's L1 norm that its masks keep; 1 if they keep nothing. */
async function keptNorms(
  pool: LiveUnits,
  alignment: Alignment,
  half: "a" | "b",
  ofRow: DrawRow,
  limit: number,
): Promise<readonly number[]> {
  const { rank, adapters } = alignment;
  // Row by row, so that the width of strips does not change sums.
  const all = adapters.map(() => new Float64Array(rank));
  const kept = adapters.map(() => new Float64Array(rank));
  await visitAdapters(pool, alignment, half, (t, block, length, offset) => {
    for (let i = 0; i < rank; i++) {
      const drawn = ofRow(t, i, length, offset);
      for (let x = 0; x < length; x++) {
        const magnitude = Math.abs(block[i * length + x]!);
        all[t]![i]! += magnitude;
        if (drawn[x]! < limit) kept[t]![i]! += magnitude;
      }
    }
  });
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  return all.map((norms, t) => sum(kept[t]!) / sum(norms) || 1);
}
