import type { Adapter, ModuleKind, UnitId } from "../adapter/adapter.ts";
import { maximum } from "../core/maximum.ts";
import { VERSION } from "../core/version.ts";
import { addProducts, deltaFigures, noProducts, type SumProducts, sumProducts } from "../figures/delta.ts";
import type { ClusterReport } from "../methods/method.ts";
import type { Timings } from "./clock.ts";
import type { ModuleResult } from "./merger.ts";
import type { MergePlan } from "./plan.ts";
import { runWarnings } from "./run-warnings.ts";
import type { Warning } from "./warning.ts";

/** What one input is. */
export interface InputReport {
  readonly name: string;
  /** SHA-256 of the weights (of all shards one after the other), hexadecimal; null where it was not computed. */
  readonly sha256: string | null;
  readonly weight: number;
  readonly baseModel: string | null;
  readonly modules: number;
  /** Config fields that lora-lego does not know; they were ignored. */
  readonly unknownFields: readonly string[];
}

/** What became of one module. */
export interface ModuleReport {
  /** Dotted path, without base_model.model. */
  readonly name: string;
  readonly kind: ModuleKind;
  readonly in: number;
  readonly out: number;
  /** Rank of each input here; null where it lacks the module. */
  readonly inputRanks: readonly (number | null)[];
  /** Weight of each input here. */
  readonly weights: readonly number[];
  /** Units of the result, before padding. */
  readonly rank: number;
  /** Units whose delta is zero, left out: [input, unit]. */
  readonly dead: readonly UnitId[];
  readonly normRatio: number | null;
  readonly cosines: readonly (number | null)[];
  readonly energy: number | null;
  /** Objective of the clustering; null where the method does not cluster. */
  readonly inertia: number | null;
  readonly shareOfB: number | null;
  /** |R - R'|_F / |R|_F of the dense delta R that was cut to R'; null where the method makes none. */
  readonly residual: number | null;
  readonly clusters: readonly ClusterReport[] | null;
}

/** Figures of the whole adapter. */
export interface TotalsReport {
  readonly modules: number;
  /** Rank written (the largest, where modules differ). */
  readonly rank: number;
  readonly dtype: string;
  readonly bytes: number;
  readonly normRatio: number | null;
  readonly cosines: readonly (number | null)[];
  readonly energy: number | null;
  readonly inertia: number | null;
  /** B's mean share of the squared length of the units clustered. */
  readonly shareOfB: number | null;
  /** As a module's, over all dense deltas together. */
  readonly residual: number | null;
  /** Share of the clusters that hold a single unit, and the size of the largest. */
  readonly singles: number | null;
  readonly largestCluster: number | null;
}

/** What a merge did; the JSON that `merge --report` writes. Arrays over adapters follow the user's order. */
export interface MergeReport {
  readonly version: 1;
  readonly tool: string;
  readonly inputs: readonly InputReport[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly modules: readonly ModuleReport[];
  readonly totals: TotalsReport;
  /** Tensors that were not written, as "<adapter>: <tensor>", and modules that were left out, as "<module>: <why>". */
  readonly skipped: readonly string[];
  /** Tensors beside the LoRA factors, and files, that went into the output. */
  readonly carried: readonly string[];
  readonly warnings: readonly Warning[];
  /** Seconds over all threads, by what they were spent on. */
  readonly timings: Readonly<Timings>;
}

/** Make the report of an executed plan. */
export function makeReport(
  adapters: readonly Adapter[],
  plan: MergePlan,
  results: readonly ModuleResult[],
  hashes: ReadonlyMap<number, string>,
  timings: Timings,
): MergeReport {
  const weights = plan.inputs.map(({ weight }) => weight);
  const products = results.reduce((sum, result) => addProducts(sum, result.products), noProducts(weights.length));
  const sums = results.map((result) => sumProducts(result.products, plan.modules[result.index]!.weights));
  const modules = results.map((result, m) => moduleReport(plan, result, sums[m]!));
  const sumOf = (key: keyof SumProducts): number => sum(sums.map((module) => module[key]));
  const figures = deltaFigures(products, { cross: sumOf("cross"), square: sumOf("square") });
  const totals = { ...totalsOf(plan, results), ...figures };
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
    modules,
    totals,
    skipped: [
      ...plan.skipped.map(({ input, tensor }) => `${plan.inputs[input]!.name}: ${tensor}`),
      ...adapters.flatMap(({ name, ignored }, t) => (weights[t] === 0 ? [] : ignored.map((key) => `${name}: ${key}`))),
      ...plan.leftOut.map(({ name, why }) => `${name}: ${why}`),
    ],
    carried: plan.extras.map(({ key }) => key),
    warnings: [...plan.warnings, ...runWarnings(plan, modules, totals, products, results)],
    timings,
  };
}

function moduleReport(plan: MergePlan, result: ModuleResult, weighted: SumProducts): ModuleReport {
  const { name, kind, in: inputs, out, parts, weights } = plan.modules[result.index]!;
  const { rank, dead, inertia, shareOfB, residual, clusters } = result;
  const inputRanks = weights.map((_, t) => parts.find(({ input }) => input === t)?.module.rank ?? null);
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

function optionsReport(plan: MergePlan): Record<string, unknown> {
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
