import type { LiveUnits } from "../../units/live-units.ts";
import { shareOf } from "../linear.ts";
import type { MergedModule } from "../method.ts";
import { type AlignedAdapter, alignAdapters, type Sparsifier } from "./alignment.ts";
import { type Combine, votedMean, weightedSum } from "./combine.ts";
import type { ConsensusOptions } from "./options.ts";

/** How the entries of a half are merged: factors for each adapter's values, its weights after that, and what follows. */
interface HalfRule {
  readonly scales: readonly number[];
  readonly weights: readonly number[];
  readonly combine: Combine;
}
export type FactorRule = (adapters: readonly AlignedAdapter[], half: "a" | "b") => HalfRule;

/**
 * PEFT's merging of factors: sparsify the stored A_t and B_t, then merge the A_t entry by entry into A', and separately the B_t into
 * B'. A is finished before B begins. Entries are summed in f64 and rounded once. A dead unit (a or b all zero) is zero in both
 * halves, while PEFT lets its other half into the cross terms.
 */
export async function mergeFactors(pool: LiveUnits, sparsifier: Sparsifier, rule: FactorRule): Promise<MergedModule> {
  const { kernels } = pool;
  const alignment = alignAdapters(pool);
  const { rank, units, adapters } = alignment;
  const rows = pool.emptyRows(units.length);
  const free = kernels.checkpoint();
  const stacked = kernels.f32(adapters.length * rank * pool.stripWidth);
  const merged = kernels.f32(rank * pool.stripWidth);
  for (const [half, columns] of [
    ["a", pool.in],
    ["b", pool.out],
  ] as const) {
    const sparsify = await sparsifier(pool, alignment, half);
    const { scales, weights, combine } = rule(adapters, half);
    const factors = kernels.f64(weights.length);
    factors.set(weights);
    const scale = kernels.f64(1);
    await pool.visitStored(half, (strip, length, offset) => {
      const stride = rank * length;
      for (const [t, { firstRow }] of adapters.entries()) {
        const block = strip.subarray(firstRow * length, firstRow * length + stride);
        sparsify(t, block, length, offset);
        const into = stacked.subarray(t * stride, (t + 1) * stride);
        scale[0] = scales[t]!;
        if (scales[t] === 1) into.set(block);
        else kernels.multiply(scale, 1, block, 1, stride, stride, into, stride);
      }
      combine({ kernels, stacked, stride }, factors, stride, merged);
      for (const [c, i] of units.entries()) {
        rows[half].set(merged.subarray(i * length, (i + 1) * length), c * columns + offset);
      }
    });
  }
  free();
  return { combinations: null, rows };
}

/** The sum of a_t A_t and of b_t B_t. */
export const summed: FactorRule = (adapters, half) => ({
  scales: adapters.map(() => 1),
  weights: adapters.map(({ weight, scale }) => shareOf(half, weight * scale)),
  combine: weightedSum,
});

/**
 * TIES' vote and mean. PEFT votes on the stored values and uses a_t (b_t) as weights. mergekit divides by the weights, so a scale among
 * them would cancel; it therefore sees the values multiplied by sqrt|s_t|, and only w_t's share as the weight.
 */
export function elected(options: ConsensusOptions): FactorRule {
  const scaled = options.consensus !== "peft";
  return (adapters, half) => ({
    scales: adapters.map(({ scale }) => (scaled ? shareOf(half, scale) : 1)),
    weights: adapters.map(({ weight, scale }) => shareOf(half, scaled ? weight : weight * scale)),
    combine: votedMean(options),
  });
}
