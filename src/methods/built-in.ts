import { average } from "./average.ts";
import { type BreadcrumbsOptions, breadcrumbs } from "./breadcrumbs.ts";
import { type BreadcrumbsTiesOptions, breadcrumbsTies } from "./breadcrumbs-ties.ts";
import { cat } from "./cat.ts";
import { coreSpace } from "./core-space.ts";
import { type CtMergeOptions, ctMerge } from "./ct-merge.ts";
import { type CtmOptions, ctm } from "./ctm.ts";
import { dareLinear } from "./dare-linear.ts";
import { type DareSvdOptions, dareLinearSvd } from "./dare-linear-svd.ts";
import { type DareTiesOptions, dareTies } from "./dare-ties.ts";
import { type DareTiesSvdOptions, dareTiesSvd } from "./dare-ties-svd.ts";
import { type DcMergeOptions, dcMerge, SMOOTHINGS } from "./dc-merge.ts";
import { type DellaOptions, della } from "./della.ts";
import { type DellaLinearOptions, dellaLinear } from "./della-linear.ts";
import { type DoMergingOptions, doMerging } from "./do-merging.ts";
import type { DareOptions, DensityOption, TiesOptions } from "./elementwise/options.ts";
import type { RuleOptions } from "./elementwise/rules.ts";
import { isoC } from "./iso-c.ts";
import { type IsoCtsOptions, isoCts } from "./iso-cts.ts";
import { karcher } from "./karcher.ts";
import { KNOTS_RULES, type KnotsOptions, knots } from "./knots.ts";
import { lego } from "./lego/lego.ts";
import { LEGO_CHOICES, type LegoOptions } from "./lego/options.ts";
import { linear } from "./linear.ts";
import { magnitudePrune } from "./magnitude-prune.ts";
import { magnitudePruneSvd } from "./magnitude-prune-svd.ts";
import type { Method } from "./method.ts";
import { modelStock } from "./model-stock.ts";
import { multislerp } from "./multislerp.ts";
import { nuslerp } from "./nuslerp.ts";
import { pico } from "./pico.ts";
import { robustMerge } from "./robust-merge.ts";
import { sce } from "./sce.ts";
import { type SlerpOptions, slerp } from "./slerp.ts";
import { svd } from "./svd.ts";
import { type SvdClampOptions, svdClamp } from "./svd-clamp.ts";
import { taskArithmetic } from "./task-arithmetic.ts";
import { ties } from "./ties.ts";
import { tiesSvd } from "./ties-svd.ts";
import { tsv } from "./tsv.ts";

// What the types of options are made of: the package exports all of this.
export type {
  BreadcrumbsOptions,
  BreadcrumbsTiesOptions,
  CtMergeOptions,
  CtmOptions,
  DareOptions,
  DareSvdOptions,
  DareTiesOptions,
  DareTiesSvdOptions,
  DcMergeOptions,
  DellaLinearOptions,
  DellaOptions,
  DensityOption,
  DoMergingOptions,
  IsoCtsOptions,
  KnotsOptions,
  LegoOptions,
  RuleOptions,
  SlerpOptions,
  SvdClampOptions,
  TiesOptions,
};
export { KNOTS_RULES, LEGO_CHOICES, SMOOTHINGS };

/** The options of a method that has none. */
export type NoOptions = Record<string, never>;

/** The options of each method of this package, by its id. */
export interface BuiltInOptions {
  lego: LegoOptions;
  cat: NoOptions;
  average: NoOptions;
  svd: NoOptions;
  svd_clamp: SvdClampOptions;
  task_arithmetic: NoOptions;
  linear: NoOptions;
  magnitude_prune: DensityOption;
  ties: TiesOptions;
  dare_linear: DareOptions;
  dare_ties: DareTiesOptions;
  robust_merge: DensityOption;
  slerp: SlerpOptions;
  nuslerp: NoOptions;
  multislerp: NoOptions;
  karcher: NoOptions;
  model_stock: NoOptions;
  tsv: NoOptions;
  iso_c: NoOptions;
  iso_cts: IsoCtsOptions;
  core_space: RuleOptions;
  pico: RuleOptions;
  ctm: CtmOptions;
  dc_merge: DcMergeOptions;
  do_merging: DoMergingOptions;
  ct_merge: CtMergeOptions;
  magnitude_prune_svd: DensityOption;
  ties_svd: TiesOptions;
  dare_linear_svd: DareSvdOptions;
  dare_ties_svd: DareTiesSvdOptions;
  della: DellaOptions;
  della_linear: DellaLinearOptions;
  breadcrumbs: BreadcrumbsOptions;
  breadcrumbs_ties: BreadcrumbsTiesOptions;
  sce: DensityOption;
  knots: KnotsOptions;
}

/** The methods of this package by their id: LEGO first, then in the order of lists and help. */
export const BUILT_IN_METHODS: { readonly [Id in keyof BuiltInOptions]: Method<BuiltInOptions[Id]> } = {
  lego,
  cat,
  average,
  svd,
  svd_clamp: svdClamp,
  task_arithmetic: taskArithmetic,
  linear,
  magnitude_prune: magnitudePrune,
  ties,
  dare_linear: dareLinear,
  dare_ties: dareTies,
  robust_merge: robustMerge,
  slerp,
  nuslerp,
  multislerp,
  karcher,
  model_stock: modelStock,
  tsv,
  iso_c: isoC,
  iso_cts: isoCts,
  core_space: coreSpace,
  pico,
  ctm,
  dc_merge: dcMerge,
  do_merging: doMerging,
  ct_merge: ctMerge,
  magnitude_prune_svd: magnitudePruneSvd,
  ties_svd: tiesSvd,
  dare_linear_svd: dareLinearSvd,
  dare_ties_svd: dareTiesSvd,
  della,
  della_linear: dellaLinear,
  breadcrumbs,
  breadcrumbs_ties: breadcrumbsTies,
  sce,
  knots,
};
