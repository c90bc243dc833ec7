import { type BreadcrumbsOptions, breadcrumbs } from "./breadcrumbs.ts";
import { denseMethod } from "./dense/dense-method.ts";
import { middleShare } from "./dense/sparsifiers.ts";
import { votedMean } from "./elementwise/combine.ts";
import { CONSENSUS, type ConsensusOptions } from "./elementwise/options.ts";
import type { Method } from "./method.ts";

/** Options of Model Breadcrumbs with TIES' consensus. */
export type BreadcrumbsTiesOptions = BreadcrumbsOptions & ConsensusOptions;

/**
 * Model Breadcrumbs with TIES' consensus: each D_t without its largest and its smallest entries, then a vote on signs and the mean of
 * those that agree. The result is cut to rank k by its singular values.
 */
export const breadcrumbsTies: Method<BreadcrumbsTiesOptions> = denseMethod<BreadcrumbsTiesOptions>({
  id: "breadcrumbs_ties",
  title: "Model Breadcrumbs, then a vote on signs",
  reference: "Davari and Belilovsky 2023, arXiv 2312.06795; mergekit, merge_method breadcrumbs_ties",
  single: "exact at density 1",
  parameters: { ...breadcrumbs.parameters, ...CONSENSUS },
  rule: ({ density, gamma, ...vote }) => ({ prepare: middleShare(density, gamma), combine: votedMean(vote) }),
});
