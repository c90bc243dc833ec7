import { denseMethod } from "./dense/dense-method.ts";
import { weightedSum } from "./dense/merge-tiles.ts";
import { densitySchema, seedSchema } from "./dense/options.ts";
import { deltaDraws, droppedAtRandom } from "./dense/sparsifiers.ts";
import type { Method } from "./method.ts";

export interface DareOptions {
  readonly density: number;
  readonly seed: number;
}

/**
 * DARE on the dense deltas: keep each entry of D_t with probability `density` and divide it by that, so that the expectation stays; the
 * weighted sum is cut to rank k by its singular values.
 */
export const dareLinearSvd: Method<DareOptions> = denseMethod<DareOptions>({
  id: "dare_linear_svd",
  title: "DARE on the deltas, cut by singular values",
  reference: "Yu et al. 2023, arXiv 2311.03099; PEFT add_weighted_adapter, combination_type dare_linear_svd",
  single: "exact at density 1",
  defaults: { density: 0.5, seed: 0 },
  schema: (z) => z.strictObject({ density: densitySchema(z, 0.5), seed: seedSchema(z) }),
  rule: ({ density, seed }) => ({ prepare: droppedAtRandom(density, deltaDraws(seed)), combine: weightedSum }),
});
