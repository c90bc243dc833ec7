import type { LiveUnits } from "../../units/live-units.ts";
import { type Alignment, visitAdapters } from "./alignment.ts";
import type { Sparsifier } from "./merge-factors.ts";
import { dropAndRescale, type Mask } from "./sparsify.ts";

/**
 * How kept entries are rescaled: by 1 / density as in the paper and PEFT, back to each tensor's L1 norm as in mergekit, or not at
 * all.
 */
export const RESCALES = ["density", "l1", "none"] as const;
/** How the entries that a random mask keeps are scaled. */
export type Rescale = (typeof RESCALES)[number];

/**
 * DARE (Yu et al. 2023, arXiv 2311.03099): drop entries of A_t and B_t by masks and rescale the others.
 *
 * @param masks the mask of tensor 0 (A) or 1 (B); its tasks are canonical places, its indices those of the stored tensor
 */
export function byChance(masks: (tensor: number) => Mask, density: number, rescale: Rescale): Sparsifier {
  return async (pool, alignment, half) => {
    const { rank, adapters } = alignment;
    const mask = masks(half === "a" ? 0 : 1);
    // A is stored as (rank, in), B as (out, rank).
    const ofRow = (i: number): Mask =>
      half === "a" ? (t, x) => mask(t, i * pool.in + x) : (t, x) => mask(t, x * rank + i);
    const rows = Array.from({ length: rank }, (_, i) => ofRow(i));
    const divisors =
      rescale === "l1"
        ? await keptNorms(pool, alignment, half, rows)
        : adapters.map(() => (rescale === "density" ? density : 1));
    return (t, block, length, offset) => {
      for (const [i, keeps] of rows.entries()) {
        dropAndRescale(block.subarray(i * length, (i + 1) * length), t, keeps, divisors[t]!, offset);
      }
    };
  };
}

/** The share of each adapter's L1 norm that its masks keep; 1 if they keep nothing. */
async function keptNorms(
  pool: LiveUnits,
  alignment: Alignment,
  half: "a" | "b",
  rows: readonly Mask[],
): Promise<readonly number[]> {
  // Row by row, so that the width of strips does not change sums.
  const all = alignment.adapters.map(() => new Float64Array(rows.length));
  const kept = alignment.adapters.map(() => new Float64Array(rows.length));
  await visitAdapters(pool, alignment, half, (t, block, length, offset) => {
    for (const [i, keeps] of rows.entries()) {
      for (let x = 0; x < length; x++) {
        const magnitude = Math.abs(block[i * length + x]!);
        all[t]![i]! += magnitude;
        if (keeps(t, offset + x)) kept[t]![i]! += magnitude;
      }
    }
  });
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  return all.map((norms, t) => sum(kept[t]!) / sum(norms) || 1);
}
