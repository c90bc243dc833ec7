import { denseMethod } from "./dense/dense-method.ts";
import { deltaDensity } from "./dense/options.ts";
import { middleShare } from "./dense/sparsifiers.ts";
import { weightedSum } from "./elementwise/combine.ts";
import type { Method } from "./method.ts";

/** Options of Model Breadcrumbs. */
export interface BreadcrumbsOptions {
  readonly density: number;
  readonly gamma: number;
}

/**
 * Model Breadcrumbs on the dense deltas. In each D_t the int(gamma n) largest |entries| are dropped as outliers and the smallest as
 * noise, so that int(density n) stay. The weighted sum is cut to rank k by its singular values.
 */
export const breadcrumbs: Method<BreadcrumbsOptions> = denseMethod<BreadcrumbsOptions>({
  id: "breadcrumbs",
  title: "Model Breadcrumbs (without outliers and small entries)",
  reference: "Davari and Belilovsky 2023, arXiv 2312.06795",
  single: "exact at density 1",
  parameters: {
    density: deltaDensity(0.9),
    gamma: {
      type: "number",
      least: 0,
      most: 1,
      default: 0.01,
      description: "share of the entries to drop as outliers, largest first",
    },
  },
  rule: ({ density, gamma }) => ({ prepare: middleShare(density, gamma), combine: weightedSum }),
});
