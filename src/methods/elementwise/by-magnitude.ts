import type { LiveUnits } from "../../units/live-units.ts";
import { type Alignment, visitAdapters } from "./alignment.ts";
import type { Sparsifier } from "./merge-factors.ts";
import { keptCount, MagnitudeCut } from "./sparsify.ts";

/** |x| as f32 is its 31 bits without the sign, handled in two steps of 16 and 15 bits. */
const MAGNITUDE_BITS = 0x7fffffff;
const LOW_BITS = 15;
const HIGH_BUCKETS = 1 << 16;
const LOW_BUCKETS = 1 << LOW_BITS;

/**
 * Keep the int(density r in) largest |entries| of each A_t, and likewise of each B_t; among equals the first in the stored tensor. A
 * radix histogram finds thresholds exactly, without ever holding a whole tensor.
 */
export function byMagnitude(density: number): Sparsifier {
  return async (pool, alignment, half) => {
    if (density === 1) return () => {};
    const { rank } = alignment;
    const kept = keptCount(density, rank * (half === "a" ? pool.in : pool.out));
    const thresholds = await findThresholds(pool, alignment, half, kept);
    const cuts = half === "a" ? await cutsByRow(pool, alignment, thresholds) : cutsOfAll(alignment, thresholds);
    return (t, block, length) => {
      const ofRows = cuts[t]!;
      // Column by column, which is B's stored order, because ties are counted in stored order.
      for (let x = 0; x < length; x++) {
        for (let i = 0; i < rank; i++) if (!ofRows[i]!.keeps(block[i * length + x]!)) block[i * length + x] = 0;
      }
    };
  };
}

/** The least |entry| that an adapter keeps of a half, how many entries equal it, and how many of those are kept. */
interface Threshold {
  readonly magnitude: number;
  readonly equal: number;
  readonly ties: number;
}

async function findThresholds(
  pool: LiveUnits,
  alignment: Alignment,
  half: "a" | "b",
  kept: number,
): Promise<readonly Threshold[]> {
  const high = alignment.adapters.map(() => new Uint32Array(HIGH_BUCKETS));
  await visitAdapters(pool, alignment, half, (t, block) => {
    const counts = high[t]!;
    const bits = bitsOf(block);
    for (let x = 0; x < bits.length; x++) counts[(bits[x]! & MAGNITUDE_BITS) >>> LOW_BITS]!++;
  });
  const upper = high.map((counts) => bucketOf(counts, kept));

  const low = alignment.adapters.map(() => new Uint32Array(LOW_BUCKETS));
  await visitAdapters(pool, alignment, half, (t, block) => {
    const counts = low[t]!;
    const bits = bitsOf(block);
    const { bucket } = upper[t]!;
    for (let x = 0; x < bits.length; x++) {
      const magnitude = bits[x]! & MAGNITUDE_BITS;
      if (magnitude >>> LOW_BITS === bucket) counts[magnitude & (LOW_BUCKETS - 1)]!++;
    }
  });
  return low.map((counts, t) => {
    const left = kept - upper[t]!.above;
    const { bucket, above } = bucketOf(counts, left);
    const magnitude = floatOf((upper[t]!.bucket << LOW_BITS) | bucket);
    return { magnitude, equal: counts[bucket]!, ties: left - above };
  });
}

/** The bucket of the `count`-th largest value (for count 0 the last, above all finite values), and how many values are above it. */
function bucketOf(counts: Uint32Array, count: number): { bucket: number; above: number } {
  let above = 0;
  let bucket = counts.length - 1;
  while (bucket > 0 && above + counts[bucket]! < count) above += counts[bucket--]!;
  return { bucket, above };
}

/** One cut for all rows of an adapter. */
function cutsOfAll({ rank }: Alignment, thresholds: readonly Threshold[]): MagnitudeCut[][] {
  return thresholds.map(({ magnitude, ties }) => Array<MagnitudeCut>(rank).fill(new MagnitudeCut(magnitude, ties)));
}

/** A is stored row by row but visited strip by strip, so each row gets its share of the ties to keep. */
async function cutsByRow(
  pool: LiveUnits,
  alignment: Alignment,
  thresholds: readonly Threshold[],
): Promise<MagnitudeCut[][]> {
  if (thresholds.every(({ ties, equal }) => ties === equal)) return cutsOfAll(alignment, thresholds);
  const equal = thresholds.map(() => new Float64Array(alignment.rank));
  await visitAdapters(pool, alignment, "a", (t, block, length) => {
    const { magnitude } = thresholds[t]!;
    for (let x = 0; x < block.length; x++) if (Math.abs(block[x]!) === magnitude) equal[t]![Math.floor(x / length)]!++;
  });
  return thresholds.map(({ magnitude, ties }, t) => {
    let left = ties;
    return Array.from(equal[t]!, (count) => {
      const share = Math.min(left, count);
      left -= share;
      return new MagnitudeCut(magnitude, share);
    });
  });
}

function bitsOf(block: Float32Array): Uint32Array {
  return new Uint32Array(block.buffer, block.byteOffset, block.length);
}

function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
