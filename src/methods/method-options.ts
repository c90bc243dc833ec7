import type { BreadcrumbsOptions } from "./breadcrumbs.ts";
import type { CtmOptions } from "./ctm.ts";
import type { DareSvdOptions } from "./dare-linear-svd.ts";
import type { DareTiesOptions } from "./dare-ties.ts";
import type { DareTiesSvdOptions } from "./dare-ties-svd.ts";
import type { DellaOptions } from "./della.ts";
import type { DareOptions, DensityOption, TiesOptions } from "./elementwise/options.ts";
import type { RuleOptions } from "./elementwise/rules.ts";
import type { IsoCtsOptions } from "./iso-cts.ts";
import type { KnotsOptions } from "./knots.ts";
import type { LegoOptions } from "./lego/options.ts";
import type { DEFAULT_METHOD } from "./method.ts";
import type { SlerpOptions } from "./slerp.ts";

/** The options of a method that has none. */
export type NoOptions = Record<string, never>;

/** The options of each method, by its id. Methods from outside add theirs by declaration merging. */
export interface MethodOptions {
  lego: LegoOptions;
  cat: NoOptions;
  average: NoOptions;
  svd: NoOptions;
  task_arithmetic: NoOptions;
  linear: NoOptions;
  magnitude_prune: DensityOption;
  ties: TiesOptions;
  dare_linear: DareOptions;
  dare_ties: DareTiesOptions;
  robust_merge: DensityOption;
  slerp: SlerpOptions;
  tsv: NoOptions;
  iso_c: NoOptions;
  iso_cts: IsoCtsOptions;
  core_space: RuleOptions;
  pico: RuleOptions;
  ctm: CtmOptions;
  magnitude_prune_svd: DensityOption;
  ties_svd: TiesOptions;
  dare_linear_svd: DareSvdOptions;
  dare_ties_svd: DareTiesSvdOptions;
  della: DellaOptions;
  breadcrumbs: BreadcrumbsOptions;
  knots: KnotsOptions;
}

/** The ids that types know. */
export type MethodId = keyof MethodOptions;

/** A method and its options; absent options have the method's defaults. The default method is `DEFAULT_METHOD`. */
export type MethodChoice =
  | {
      readonly [Id in keyof MethodOptions]: { readonly method: Id; readonly options?: Partial<MethodOptions[Id]> };
    }[keyof MethodOptions]
  | { readonly method?: never; readonly options?: Partial<MethodOptions[typeof DEFAULT_METHOD]> };
