import type { Adapter } from "../adapter/adapter.ts";
import { wholeRank } from "../adapter/lycoris/leading.ts";
import { maximum } from "../core/maximum.ts";
import { VERSION } from "../core/version.ts";
import type { AutoScale } from "../figures/auto-scale.ts";
import {
  addProducts,
  deltaFigures,
  noProducts,
  type SumProducts,
  scaleMerged,
  sharesOf,
  sumProducts,
} from "../figures/delta.ts";
import { EnergyByRank } from "../figures/energy-by-rank.ts";
import type { Timings } from "../lanes/clock.ts";
import { actingInputs, type ModuleResult } from "../lanes/merger.ts";
import { adviceFor } from "../methods/auto.ts";
import { isCrowded, type MergePlan, type ScaledPlan } from "../plan/merge-plan.ts";
import { budgetOf } from "../plan/plan-budget.ts";
import { LEAST_ROOM } from "./rank-rule.ts";
import type { BudgetReport, MergeReport, ModuleReport, TotalsReport } from "./report.ts";
import { runWarnings } from "./run-warnings.ts";

/** Make the report of an executed plan. */
export function makeReport(
  adapters: readonly Adapter[],
  plan: ScaledPlan,
  merged: readonly ModuleResult[],
  hashes: ReadonlyMap<number, string | null>,
  timings: Timings,
  auto: AutoScale | null,
): MergeReport {
  const results = merged.map((result) => ({ ...result, products: scaleMerged(result.products, plan.scale) }));
  const weights = plan.inputs.map(({ weight }) => weight);
  const products = results.reduce((sum, result) => addProducts(sum, result.products), noProducts(weights.length));
  const sums = results.map((result) => sumProducts(result.products, plan.modules[result.index]!.weights));
  const modules = results.map((result, m) => moduleReport(plan, result, sums[m]!));
  const sumOf = (key: keyof SumProducts): number => sum(sums.map((module) => module[key]));
  const figures = deltaFigures(products, { cross: sumOf("cross"), square: sumOf("square") });
  const totals = { ...totalsOf(plan, results), ...roomOf(results), ...figures, shares: sharesOf(products) };
  return {
    version: 1,
    tool: `lora-lego ${VERSION}`,
    inputs: adapters.map((adapter, t) => ({
      name: adapter.name,
      sha256: hashes.get(t) ?? null,
      weight: weights[t]!,
      baseModel: adapter.baseModel,
      modules: adapter.modules.size,
      unknownFields: adapter.unknownFields,
    })),
    options: optionsReport(plan),
    chosen: plan.chosen,
    autoScale: auto,
    budget: budgetReport(plan, results),
    advice:
      plan.chosen === null
        ? adviceFor(actingInputs(merged).size, isCrowded(plan), plan.method, auto === null ? plan.scale : "auto")
        : null,
    modules,
    totals,
    skipped: [
      ...plan.skipped.map(({ input, tensor }) => `${plan.inputs[input]!.name}: ${tensor}`),
      ...adapters.flatMap(({ name, ignored }, t) => (weights[t] === 0 ? [] : ignored.map((key) => `${name}: ${key}`))),
      ...plan.leftOut.map(({ name, why }) => `${name}: ${why}`),
    ],
    carried: plan.extras.map(({ key }) => key),
    warnings: [...plan.warnings, ...runWarnings(plan, modules, totals, products, results, auto)],
    timings,
  };
}

function budgetReport({ target, modules }: MergePlan, results: readonly ModuleResult[]): BudgetReport | null {
  const total = budgetOf(target, modules.length);
  return total === null ? null : { total, used: sum(results.map(({ rank }) => rank)) };
}

function moduleReport(plan: MergePlan, result: ModuleResult, weighted: SumProducts): ModuleReport {
  const { name, kind, in: inputs, out, parts, weights } = plan.modules[result.index]!;
  const { rank, dead, inertia, shareOfB, residual, clusters } = result;
  const inputRanks = weights.map((_, t) => {
    const part = parts.find(({ input }) => input === t);
    return part === undefined ? null : wholeRank(part.module);
  });
  const { normRatio, cosines, energy } = deltaFigures(result.products, weighted);
  return {
    name,
    kind,
    in: inputs,
    out,
    inputRanks,
    weights,
    rank,
    dead,
    normRatio,
    cosines,
    energy,
    inertia,
    shareOfB,
    residual,
    clusters,
  };
}

function totalsOf(plan: MergePlan, results: readonly ModuleResult[]) {
  const sizes = results.flatMap(({ clusters }) => clusters?.map(({ members }) => members.length) ?? []);
  const shares = results.flatMap(({ shareOfB }) => (shareOfB === null ? [] : [shareOfB]));
  const inertias = results.flatMap(({ inertia }) => (inertia === null ? [] : [inertia]));
  return {
    modules: results.length,
    rank: plan.rank,
    dtype: plan.dtype.toLowerCase(),
    bytes: plan.size,
    inertia: inertias.length === 0 ? null : sum(inertias),
    shareOfB: shares.length === 0 ? null : sum(shares) / shares.length,
    residual: totalResidual(results),
    singles: sizes.length === 0 ? null : sizes.filter((size) => size === 1).length / sizes.length,
    largestCluster: sizes.length === 0 ? null : maximum(sizes),
  };
}

/** What the ranks can hold of the weighted sum of the inputs. */
function roomOf(results: readonly ModuleResult[]): Pick<TotalsReport, "room" | "rankForMost"> {
  const energies = new EnergyByRank();
  for (const { sum: sigma, rank } of results) {
    if (sigma === null) return { room: null, rankForMost: null };
    energies.add(sigma, rank);
  }
  const { kept } = energies;
  return { room: kept, rankForMost: kept === null ? null : energies.rankFor(LEAST_ROOM) };
}

/** |R - R'|_F / |R|_F over all modules: |R|^2 = |R'|^2 / (1 - residual^2), since R' is a projection of R. */
function totalResidual(results: readonly ModuleResult[]): number | null {
  const cut = results.flatMap(({ residual, products }) =>
    residual === null ? [] : [{ residual, kept: products.merged }],
  );
  if (cut.length === 0) return null;
  const whole = ({ residual, kept }: (typeof cut)[number]): number => (kept === 0 ? 0 : kept / (1 - residual ** 2));
  const all = sum(cut.map(whole));
  return all === 0 ? 0 : Math.sqrt(sum(cut.map((module) => module.residual ** 2 * whole(module))) / all);
}

function optionsReport(plan: ScaledPlan): Record<string, unknown> {
  return {
    method: plan.method,
    ...(plan.options as Record<string, unknown>),
    target: plan.target,
    ...(plan.after !== null && { after: plan.after }),
    scale: plan.scale,
    dtype: plan.dtype.toLowerCase(),
    rankLayout: plan.rankLayout,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
