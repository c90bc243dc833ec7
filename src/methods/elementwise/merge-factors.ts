import type { LiveUnits } from "../../units/live-units.ts";
import { shareOf } from "../linear.ts";
import type { MergedModule } from "../method.ts";
import { type AlignedAdapter, type Alignment, alignAdapters, type UseBlock } from "./alignment.ts";
import { agreeingMean, type Consensus, type Majority, weightedSum } from "./consensus.ts";
import type { Values } from "./sparsify.ts";

/** Prepares the sparsification of one half of each adapter; the result zeroes and rescales blocks in place, in ascending columns. */
export type Sparsifier = (pool: LiveUnits, alignment: Alignment, half: "a" | "b") => Promise<UseBlock>;

/** Merges the same stored entries of all adapters into `out`; may overwrite them. */
type MergeEntries = (tasks: readonly Values[], out: Values) => void;
export type FactorRule = (adapters: readonly AlignedAdapter[], half: "a" | "b") => MergeEntries;

/**
 * PEFT's merging of factors: sparsify the stored A_t and B_t, then merge the A_t entry by entry into A', and separately the B_t into
 * B'. A is finished before B begins. Entries are summed in f64 and rounded once. A dead unit (a or b all zero) is zero in both
 * halves, while PEFT lets its other half into the cross terms.
 */
export async function mergeFactors(pool: LiveUnits, sparsifier: Sparsifier, rule: FactorRule): Promise<MergedModule> {
  const alignment = alignAdapters(pool);
  const { rank, units, adapters } = alignment;
  const rows = pool.emptyRows(units.length);
  for (const [half, columns] of [
    ["a", pool.in],
    ["b", pool.out],
  ] as const) {
    const sparsify = await sparsifier(pool, alignment, half);
    const merge = rule(adapters, half);
    await pool.visitStored(half, (strip, length, offset) => {
      for (const [t, { firstRow }] of adapters.entries()) {
        sparsify(t, strip.subarray(firstRow * length, (firstRow + rank) * length), length, offset);
      }
      const sums = new Float64Array(length);
      for (const [c, i] of units.entries()) {
        const tasks = adapters.map(({ firstRow }) =>
          strip.subarray((firstRow + i) * length, (firstRow + i + 1) * length),
        );
        merge(tasks, sums);
        rows[half].set(sums, c * columns + offset);
      }
    });
  }
  return { combinations: null, rows };
}

/** The sum of a_t A_t and of b_t B_t. */
export const summed: FactorRule = (adapters, half) => {
  const weights = adapters.map(({ weight, scale }) => shareOf(half, weight * scale));
  return (tasks, out) => weightedSum(tasks, weights, out);
};

/**
 * TIES' vote and mean. PEFT votes on the stored values and uses a_t (b_t) as weights. mergekit divides by the weights, so a scale among
 * them would cancel; it therefore sees the values multiplied by sqrt|s_t|, and only w_t's share as the weight.
 */
export function elected(majority: Majority, consensus: Consensus): FactorRule {
  return (adapters, half) => {
    const scaled = consensus !== "peft";
    const weights = adapters.map(({ weight, scale }) => shareOf(half, scaled ? weight : weight * scale));
    return (tasks, out) => {
      if (scaled) for (const [t, { scale }] of adapters.entries()) scaleInPlace(tasks[t]!, shareOf(half, scale));
      agreeingMean(tasks, weights, majority, consensus, out);
    };
  };
}

/** Multiply values by a factor, in place. */
export function scaleInPlace(values: Values, factor: number): void {
  if (factor === 1) return;
  for (let x = 0; x < values.length; x++) values[x]! *= factor;
}
