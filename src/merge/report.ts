import type { Adapter, ModuleKind, UnitId } from "../adapter/adapter.ts";
import { maximum } from "../core/maximum.ts";
import { plural } from "../core/plural.ts";
import { VERSION } from "../core/version.ts";
import {
  addProducts,
  cosineBetween,
  type DeltaProducts,
  deltaFigures,
  noProducts,
  normOf,
  type SumProducts,
  sumProducts,
} from "../figures/delta.ts";
import type { ClusterReport } from "../methods/method.ts";
import { beganAlike } from "./began-alike.ts";
import type { Timings } from "./clock.ts";
import type { ModuleResult } from "./merger.ts";
import type { MergePlan } from "./plan.ts";
import type { Warning } from "./warning.ts";

/** Two adapters above this cosine are the same one, or nearly. */
const SAME_COSINE = 0.99;
/** B's share of the squared length below which clustering hardly sees it. */
const LEAST_SHARE_OF_B = 0.02;
/** Share of single-unit clusters above which a merge is a selection of units. */
const MOST_SINGLES = 0.8;

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

/** What only the values could tell. */
function runWarnings(
  plan: MergePlan,
  modules: readonly ModuleReport[],
  totals: TotalsReport,
  products: DeltaProducts,
  results: readonly ModuleResult[],
): Warning[] {
  const warnings: Warning[] = [];
  const present = new Set(plan.modules.flatMap(({ parts }) => parts.map(({ input }) => input)));
  const used = plan.inputs.flatMap(({ name }, t) => (present.has(t) ? [{ name, t }] : []));
  for (const { name, t } of used) {
    if (normOf(products, t) === 0) {
      warnings.push({ id: "zero-adapter", text: `${name} changes nothing: all its deltas are zero.` });
    }
  }
  for (const [x, one] of used.entries()) {
    for (const other of used.slice(x + 1)) {
      const cosine = cosineBetween(products, one.t, other.t);
      if (cosine === null || cosine <= SAME_COSINE) continue;
      warnings.push({
        id: "same-adapter",
        text: `${one.name} and ${other.name} are the same adapter, or nearly (cosine ${cosine.toFixed(4)}); is one of them passed twice?`,
      });
    }
  }
  for (const { name, clusters } of modules) {
    const cancelled = clusters?.filter(({ reweight }) => reweight === null).length ?? 0;
    if (cancelled > 0) {
      const text = `${cancelled} cluster${cancelled > 1 ? "s" : ""} of ${name} cancelled out and became zero.`;
      warnings.push({ id: "cancelled-cluster", text, module: name });
    }
  }
  const lost = sum(results.map(({ underflows }) => underflows));
  if (lost > 0) {
    const text = `${lost} units are too small for ${totals.dtype} and were written as zero; pass --dtype f32.`;
    warnings.push({ id: "underflow", text });
  }
  if (totals.normRatio === 0) {
    const text = `The result changes nothing: what weights and scale leave is less than ${totals.dtype} can hold; pass larger ones.`;
    warnings.push({ id: "zero-result", text });
  }
  const zero = modules.filter(({ normRatio }) => normRatio === null);
  if (zero.length > 0 && zero.length < modules.length) {
    const text = `${zero.length} of ${plural(modules.length, "module")} change nothing: their deltas are zero in all adapters.`;
    warnings.push({ id: "zero-modules", text });
  }
  if (totals.shareOfB !== null && totals.shareOfB < LEAST_SHARE_OF_B && totals.largestCluster! > 1) {
    warnings.push({
      id: "b-ignored",
      text: `B makes up ${percent(totals.shareOfB)} of the units' squared length, so they are grouped by A alone; --gauge balanced weighs both halves alike.`,
    });
  }
  if (totals.singles !== null && totals.singles > MOST_SINGLES && totals.largestCluster! > 1) {
    warnings.push({
      id: "selection-not-merge",
      text: `${percent(totals.singles)} of the clusters hold a single unit: the result is a selection of units rather than a merge.`,
    });
  }
  // Singular units are numbered by their size, not by where training began.
  if ((plan.options as { readonly gauge?: string }).gauge !== "svd") warnings.push(...beganAlike(modules));
  const idle = plan.method === "lego" ? idleWeights(plan, results) : null;
  if (idle !== null) warnings.push({ id: "weights-idle", text: `The weights have no effect: ${idle}` });
  return warnings;
}

/** Why weights that a user gave change nothing, and the way out; null where they act or were not given. */
function idleWeights(plan: MergePlan, results: readonly ModuleResult[]): string | null {
  const weights = plan.modules.map((module) => module.weights.filter((weight) => weight !== 0));
  if (weights.every(({ length }) => length === 1)) {
    return weights.every(([weight]) => weight === 1)
      ? null
      : "they are relative, and there is one adapter; to scale its delta use --scale.";
  }
  if (weights.every((own) => own.every((weight) => weight === own[0]))) return null;
  const clustered = results.some(({ clusters }) => clusters?.some(({ members }) => members.length > 1));
  // Output reweighting takes the weighted mean of the ranks.
  const { outputReweight } = plan.options as { readonly outputReweight?: boolean };
  const ranksDiffer = results.some(({ live }) => live.some(([, units]) => units !== live[0]![1]));
  if (clustered || (outputReweight && ranksDiffer)) return null;
  return "every unit is its own cluster at this rank; use a smaller --rank, or --method cat.";
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)}%`;
}
