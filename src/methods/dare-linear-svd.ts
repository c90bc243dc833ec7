import { denseMethod } from "./dense/dense-method.ts";
import { deltaDensity } from "./dense/options.ts";
import { deltaDraws, droppedAtRandom } from "./dense/sparsifiers.ts";
import { weightedSum } from "./elementwise/combine.ts";
import { SEED } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

/** DARE's random masks on the deltas. */
export interface DareSvdOptions {
  readonly density: number;
  readonly seed: number;
}

/**
 * DARE on the dense deltas: keep each entry of D_t with probability `density` and divide it by `density`, so that the expectation
 * stays the same. The weighted sum is cut to rank k by its singular values.
 */
export const dareLinearSvd: Method<DareSvdOptions> = denseMethod<DareSvdOptions>({
  id: "dare_linear_svd",
  title: "DARE on the deltas, cut by singular values",
  reference: "Yu et al. 2023, arXiv 2311.03099; PEFT add_weighted_adapter, combination_type dare_linear_svd",
  single: "exact at density 1",
  parameters: { density: deltaDensity(0.5), seed: SEED },
  rule: ({ density, seed }) => ({ prepare: droppedAtRandom(density, deltaDraws(seed)), combine: weightedSum }),
});
