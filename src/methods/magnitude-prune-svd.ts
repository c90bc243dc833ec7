import { denseMethod } from "./dense/dense-method.ts";
import { deltaDensity } from "./dense/options.ts";
import { largestShare } from "./dense/sparsifiers.ts";
import { weightedSum } from "./elementwise/combine.ts";
import type { DensityOption } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

/**
 * Magnitude pruning on the dense deltas: only the int(density n) largest |entries| of each D_t stay. Their weighted sum is cut to rank k
 * by its singular values.
 */
export const magnitudePruneSvd: Method<DensityOption> = denseMethod<DensityOption>({
  id: "magnitude_prune_svd",
  title: "Magnitude pruning of the deltas, cut by singular values",
  reference: "PEFT add_weighted_adapter, combination_type magnitude_prune_svd",
  single: "exact at density 1",
  parameters: { density: deltaDensity(0.5) },
  rule: ({ density }) => ({ prepare: largestShare(density), combine: weightedSum }),
});
