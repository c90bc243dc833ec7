import type { LiveUnits } from "../../units/live-units.ts";
import { type Alignment, type Sparsifier, visitAdapters } from "./alignment.ts";
import { type Threshold, ThresholdSearch } from "./magnitude-select.ts";
import { keptCount, MagnitudeCut } from "./sparsify.ts";

/**
 * Keep the int(density r in) largest |entries| of each A_t, and likewise of each B_t; among equals the first in the stored tensor. The
 * thresholds are exact, and no tensor is ever held whole.
 */
export function byMagnitude(density: number): Sparsifier {
  return async (pool, alignment, half) => {
    if (density === 1) return () => {};
    const { rank, adapters } = alignment;
    const { kernels } = pool;
    const kept = keptCount(density, rank * (half === "a" ? pool.in : pool.out));
    if (kept === 0) return (_, block) => block.fill(0);
    const thresholds = await findThresholds(pool, alignment, half, kept);
    if (half === "b") {
      // B is stored as (out, rank), so a strip's columns follow each other.
      const cuts = thresholds.map(({ magnitude, ties }) => new MagnitudeCut(magnitude, ties));
      return (t, block) => cuts[t]!.prune(kernels, block, rank);
    }
    const shares = await tiesByRow(pool, alignment, thresholds);
    const cuts = adapters.map((_, t) => shares[t]!.map((ties) => new MagnitudeCut(thresholds[t]!.magnitude, ties)));
    return (t, block, length) => {
      for (const [i, cut] of cuts[t]!.entries()) cut.prune(kernels, block.subarray(i * length, (i + 1) * length));
    };
  };
}

async function findThresholds(
  pool: LiveUnits,
  alignment: Alignment,
  half: "a" | "b",
  kept: number,
): Promise<readonly Threshold[]> {
  const free = pool.kernels.checkpoint();
  const search = new ThresholdSearch(pool.kernels, alignment.adapters.length, [kept]);
  await visitAdapters(pool, alignment, half, (t, block) => search.first(block, t));
  const { second, thresholds } = search.narrow();
  await visitAdapters(pool, alignment, half, (t, block) => second(block, t));
  const found = thresholds().map(([threshold]) => threshold!);
  free();
  return found;
}

/** A is stored row by row but visited strip by strip, so each row gets its share of the entries to keep that equal the threshold. */
async function tiesByRow(
  pool: LiveUnits,
  alignment: Alignment,
  thresholds: readonly Threshold[],
): Promise<readonly (readonly number[])[]> {
  const { rank } = alignment;
  if (thresholds.every(({ ties, equal }) => ties === equal)) {
    return thresholds.map(() => Array<number>(rank).fill(Number.POSITIVE_INFINITY));
  }
  const equal = thresholds.map(() => new Float64Array(rank));
  await visitAdapters(pool, alignment, "a", (t, block, length) => {
    const { magnitude } = thresholds[t]!;
    for (let i = 0; i < rank; i++) {
      const row = block.subarray(i * length, (i + 1) * length);
      let count = 0;
      for (let x = 0; x < length; x++) count += Number(Math.abs(row[x]!) === magnitude);
      equal[t]![i]! += count;
    }
  });
  return thresholds.map(({ ties }, t) => {
    let left = ties;
    return Array.from(equal[t]!, (count) => {
      const share = Math.min(left, count);
      left -= share;
      return share;
    });
  });
}
