import { UsageError } from "../core/errors.ts";
import { average } from "./average.ts";
import { breadcrumbs } from "./breadcrumbs.ts";
import { cat } from "./cat.ts";
import { coreSpace } from "./core-space.ts";
import { ctm } from "./ctm.ts";
import { dareLinear } from "./dare-linear.ts";
import { dareLinearSvd } from "./dare-linear-svd.ts";
import { dareTies } from "./dare-ties.ts";
import { dareTiesSvd } from "./dare-ties-svd.ts";
import { della } from "./della.ts";
import { isoC } from "./iso-c.ts";
import { isoCts } from "./iso-cts.ts";
import { knots } from "./knots.ts";
import { lego } from "./lego/lego.ts";
import { linear } from "./linear.ts";
import { magnitudePrune } from "./magnitude-prune.ts";
import { magnitudePruneSvd } from "./magnitude-prune-svd.ts";
import type { Method } from "./method.ts";
import { pico } from "./pico.ts";
import { robustMerge } from "./robust-merge.ts";
import { slerp } from "./slerp.ts";
import { svd } from "./svd.ts";
import { taskArithmetic } from "./task-arithmetic.ts";
import { ties } from "./ties.ts";
import { tiesSvd } from "./ties-svd.ts";
import { tsv } from "./tsv.ts";

/** All merge methods, LEGO first. */
export const METHODS: readonly Method[] = [
  lego,
  cat,
  average,
  svd,
  taskArithmetic,
  linear,
  magnitudePrune,
  ties,
  dareLinear,
  dareTies,
  robustMerge,
  slerp,
  tsv,
  isoC,
  isoCts,
  coreSpace,
  pico,
  ctm,
  magnitudePruneSvd,
  tiesSvd,
  dareLinearSvd,
  dareTiesSvd,
  della,
  breadcrumbs,
  knots,
] as readonly Method[];

/** The method of this id. @throws UsageError naming the ids there are. */
export function methodById(id: string): Method {
  const method = METHODS.find((candidate) => candidate.id === id);
  if (method === undefined) {
    throw new UsageError(`There is no method "${id}"; choose one of ${METHODS.map((known) => known.id).join(", ")}.`);
  }
  return method;
}
