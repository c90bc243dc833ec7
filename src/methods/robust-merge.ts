import type { Sparsifier } from "./elementwise/alignment.ts";
import { byMagnitude } from "./elementwise/by-magnitude.ts";
import { factorMethod } from "./elementwise/factor-method.ts";
import { mergeFactors, summed } from "./elementwise/merge-factors.ts";
import { DENSITY, type DensityOption } from "./elementwise/options.ts";
import type { Values } from "./elementwise/sparsify.ts";
import type { Method } from "./method.ts";

/**
 * RobustMerge: keep the largest entries of every A_t and B_t, and scale each unit's b to make up for the loss in its a. With
 * s_t[i] = |A_t[i]|_1 / |pruned A_t[i]|_1, divided by its mean over the adapters, A = sum of a_t A~_t and B = sum of b_t B~_t diag(s_t)
 * (PEFT's weights, see `linear`).
 */
export const robustMerge: Method<DensityOption> = factorMethod({
  id: "robust_merge",
  title: "RobustMerge",
  reference: "Zeng et al. 2025, arXiv 2502.17159",
  parameters: DENSITY,
  merge: (pool, options) => mergeFactors(pool, pruneAndComplement(options.density), summed),
});

/** Prunes both halves by magnitude, measures the loss in each row of A, and makes up for it in B. */
function pruneAndComplement(density: number): Sparsifier {
  const before: Float64Array[] = [];
  const after: Float64Array[] = [];
  return async (pool, alignment, half) => {
    const { rank, adapters } = alignment;
    const prune = await byMagnitude(density)(pool, alignment, half);
    if (half === "a") {
      for (const norms of [before, after]) norms.push(...adapters.map(() => new Float64Array(rank)));
      return (t, block, length, offset) => {
        addNorms(block, before[t]!);
        prune(t, block, length, offset);
        addNorms(block, after[t]!);
      };
    }
    const scales = complements(before, after);
    return (t, block, length, offset) => {
      prune(t, block, length, offset);
      for (let i = 0; i < rank; i++) {
        const scale = scales[t]![i]!;
        for (let x = i * length; x < (i + 1) * length; x++) block[x]! *= scale;
      }
    };
  };
}

/** Add the L1 norm of each row of a block (norms.length, length). */
function addNorms(block: Values, norms: Float64Array): void {
  const length = block.length / norms.length;
  for (let i = 0; i < norms.length; i++) {
    let norm = norms[i]!;
    for (let x = i * length; x < (i + 1) * length; x++) norm += Math.abs(block[x]!);
    norms[i] = norm;
  }
}

/** s_t[i]; units with nothing left get 0 and do not count in the mean over adapters. */
function complements(before: readonly Float64Array[], after: readonly Float64Array[]): readonly Float64Array[] {
  const scales = before.map((norms, t) => norms.map((norm, i) => (after[t]![i]! > 0 ? norm / after[t]![i]! : 0)));
  const means = scales[0]?.map((_, i) => {
    const left = scales.map((ofUnits) => ofUnits[i]!).filter((scale) => scale > 0);
    return left.reduce((sum, scale) => sum + scale, 0) / left.length;
  });
  return scales.map((ofUnits) => ofUnits.map((scale, i) => (scale === 0 ? 0 : scale / means![i]!)));
}
