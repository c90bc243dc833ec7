import { ofImageModel } from "../adapter/names/components.ts";
import { maximum } from "../core/maximum.ts";
import { plural } from "../core/plural.ts";
import type { AutoScale } from "../figures/auto-scale.ts";
import { addProducts, type DeltaProducts, noProducts, normOf, weightProducts } from "../figures/delta.ts";
import { mostAlike, SharedStart } from "../figures/shared-start.ts";
import type { ModuleResult } from "../lanes/merger.ts";
import { halfScales } from "../lanes/write-scaled.ts";
import type { ClusterReport, Method } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import { MOST_SINGLES } from "../plan/lego-rank.ts";
import { type MergePlan, type ScaledPlan, usedInputs } from "../plan/merge-plan.ts";
import type { Fix, Warning } from "../plan/warning.ts";
import { countUnderflows } from "../units/write-factors.ts";
import { apartOf } from "./apart.ts";
import { leastKept } from "./badly-kept.ts";
import { FIXES } from "./fixes.ts";
import { ignoredHalf } from "./ignored-half.ts";
import { hiddenAdapters, type LosableInput, lostAdapters } from "./lost-adapters.ts";
import { askedRank } from "./rank-rule.ts";
import { rankWarnings } from "./rank-warnings.ts";
import { repeatedInputs, sameAdapters } from "./same-adapters.ts";
import { scaleWarnings } from "./scale-warnings.ts";

/** Share of the inputs' norm below which a result is only rounding error. */
const LEAST_NORM_RATIO = 1e-6;

/** The parts of a module's report that warnings use. */
interface ModuleFigures {
  readonly name: string;
  readonly normRatio: number | null;
  readonly clusters: readonly ClusterReport[] | null;
}

/** The same for the whole adapter. */
interface TotalFigures {
  readonly dtype: string;
  readonly normRatio: number | null;
  readonly cosines: readonly (number | null)[];
  readonly shares: readonly (number | null)[];
  readonly shareOfB: number | null;
  readonly singles: number | null;
  readonly largestCluster: number | null;
  readonly room: number | null;
  readonly rankForMost: number | null;
}

/** An executed merge, as its warnings see it. */
interface Run {
  readonly plan: ScaledPlan;
  /** The factor of the result that was computed from the adapters; null where it was given. */
  readonly auto: AutoScale | null;
  readonly method: Method;
  /** The inputs that take part. */
  readonly used: readonly { readonly name: string; readonly t: number }[];
  readonly modules: readonly ModuleFigures[];
  readonly totals: TotalFigures;
  /** Products of the inputs' deltas, and the same with each delta times its weight in each module. */
  readonly products: DeltaProducts;
  readonly weighted: DeltaProducts;
  readonly results: readonly ModuleResult[];
  /** The inputs that take part, as they may be lost. */
  readonly losable: readonly LosableInput[];
  /** A warning for each adapter that is lost. */
  readonly lost: readonly Warning[];
}

/** Warnings that need values: about an executed merge, from the figures of its report. */
export function runWarnings(
  plan: ScaledPlan,
  modules: readonly ModuleFigures[],
  totals: TotalFigures,
  products: DeltaProducts,
  results: readonly ModuleResult[],
  auto: AutoScale | null,
): Warning[] {
  const present = usedInputs(plan);
  const used = plan.inputs.flatMap(({ name }, t) => (present.has(t) ? [{ name, t }] : []));
  const weighted = weightedProducts(plan, results);
  const method = methodById(plan.method);
  const losable = losableInputs(plan, used);
  const known = { plan, auto, method, used, modules, totals, products, weighted, results, losable };
  const run: Run = { ...known, lost: lostOf(known) };
  return RULES.flatMap((rule) => rule(run));
}

/** What there is to warn of, in the order of the report. */
const RULES: readonly ((run: Run) => Warning[])[] = [
  computedFactor,
  zeroAdapters,
  repeatedAdapters,
  ({ lost }) => [...lost],
  hidden,
  ranks,
  cancelledClusters,
  underflow,
  zeroResult,
  zeroModules,
  ignoredB,
  selectedUnits,
  idle,
];

/** Warn of a computed factor; another one brings back no adapter that is lost. */
function computedFactor({ plan, auto, lost }: Run): Warning[] {
  const told = auto === null ? [] : scaleWarnings(auto, isOfImages(plan));
  return lost.length === 0 ? told : told.filter(({ id }) => id !== "scale-uncertain");
}

function zeroAdapters({ plan, method, used, products, lost }: Run): Warning[] {
  const counted = method.needs.weightSum ? " The mean still counts it; leave it out unless it should count." : "";
  const zero = used.filter(({ t }) => normOf(products, t) === 0);
  return zero.map(({ name }) => ({
    id: "zero-adapter",
    text: `${name} changes nothing: all its deltas are zero.${counted}`,
    adapter: name,
    ...(lost.length === 0 && zero.length < used.length && { without: withoutZero(plan, used, zero) }),
  }));
}

/** The merge without the adapters that change nothing. */
function withoutZero({ inputs }: ScaledPlan, used: Run["used"], zero: Run["used"]): Fix {
  const names = zero.map(({ name }) => name);
  const weights = inputs.map(({ weight }) => weight);
  const leaves = zero.map(({ t }) => t);
  return FIXES.leaveOut(leaves, [], names, weights, used.length - zero.length);
}

/** Warn of adapters that count twice, with the merge of each once; an adapter that is then alone is not merged. */
function repeatedAdapters({ plan, used, products, lost }: Run): Warning[] {
  const repeated = repeatedInputs(products);
  const leaves = used.filter(({ t }) => repeated.has(t));
  const once = FIXES.once(
    leaves.map(({ t }) => t),
    leaves.map(({ name }) => name),
    plan.inputs.map(({ weight }) => weight),
  );
  const several = used.length - leaves.length > 1 && lost.length === 0;
  return sameAdapters(used, products).map((warning) => ({ ...warning, ...(several && { fix: once }) }));
}

function lostOf({ method, losable, products, weighted, totals }: Omit<Run, "lost">): Warning[] {
  const scales = method.weights === "linear";
  return lostAdapters(losable, scales ? weighted : products, totals.cosines, scales);
}

/** Warn of adapters that are lost though they are not tiny, unless the whole result is. */
function hidden(run: Run): Warning[] {
  return zeroResult(run).length > 0 ? [] : hiddenAdapters(run.losable, run.totals, run.lost);
}

function losableInputs(plan: ScaledPlan, used: Run["used"]): LosableInput[] {
  const apart = apartOf(
    plan.modules.map(({ parts }) => parts.map(({ input }) => input)),
    plan.inputs.length,
  );
  return used.map(({ name, t }) => ({ name, t, weight: oneWeight(plan, t), apart: apart.has(t) }));
}

/** Warn of a rank that does not fit, unless an adapter is lost anyway. */
function ranks({ plan, method, modules, totals, products, weighted, results, lost }: Run): Warning[] {
  const acts = plan.inputs.map((_, t) => normOf(products, t) > 0);
  const start = new SharedStart(plan.inputs.length);
  for (const { starts } of results) if (starts !== null) start.addSums(starts);
  const names = plan.inputs.map(({ name }) => name);
  return rankWarnings({
    method,
    ofImages: isOfImages(plan),
    rank: maximum(results.map((result) => result.rank)),
    asked: askedRank(plan.target),
    set: { modules: plan.modules, acts, alike: mostAlike(start.groups(), acts), forEnergy: totals.rankForMost },
    asStored: method.namesStoredUnits?.(plan.options) ?? true,
    room: totals.room,
    least: lost.length > 0 ? null : leastKept(names, weighted),
    modules,
  });
}

function cancelledClusters({ modules }: Run): Warning[] {
  return modules.flatMap(({ name, clusters }) => {
    const cancelled = clusters?.filter(({ reweight }) => reweight === null).length ?? 0;
    if (cancelled === 0) return [];
    const text = `${plural(cancelled, "cluster")} of ${name} cancelled out and became zero.`;
    return [{ id: "cancelled-cluster", text, module: name }];
  });
}

function underflow({ plan, auto, results, totals }: Run): Warning[] {
  const half = auto === null ? undefined : halfScales(auto.factor);
  const units = results.reduce((sum, { largest }) => sum + countUnderflows(largest, plan.dtype, half), 0);
  if (units === 0) return [];
  const text = `${units} units are too small for ${totals.dtype} and were written as zero; pass --dtype f32.`;
  return [{ id: "underflow", text, fix: FIXES.inF32() }];
}

function zeroResult({ totals: { normRatio, dtype }, weighted }: Run): Warning[] {
  const cancelled = normRatio !== null && normRatio < LEAST_NORM_RATIO && cancels(weighted);
  if (!cancelled && normRatio !== 0) return [];
  const why = cancelled
    ? "the adapters cancel each other out; pass other weights."
    : `with these weights and scale its values are too small for ${dtype}; pass larger ones.`;
  return [{ id: "zero-result", text: `The result changes nothing: ${why}` }];
}

function zeroModules({ modules }: Run): Warning[] {
  const zero = modules.filter(({ normRatio }) => normRatio === null).length;
  if (zero === 0 || zero === modules.length) return [];
  const text = `${zero} of ${plural(modules.length, "module")} change nothing: their deltas are zero in all adapters.`;
  return [{ id: "zero-modules", text }];
}

/** Warn of clusters by A alone, unless an adapter is lost, which is mended first: its units weigh otherwise then. */
function ignoredB({ totals: { shareOfB, largestCluster }, lost }: Run): Warning[] {
  const text = ignoredHalf(shareOfB);
  if (text === null || largestCluster! <= 1) return [];
  return [{ id: "b-ignored", text, ...(lost.length === 0 && { fix: FIXES.bothHalves() }) }];
}

function selectedUnits({ totals: { singles, largestCluster } }: Run): Warning[] {
  if (singles === null || singles <= MOST_SINGLES || largestCluster! <= 1) return [];
  const text = `${percent(singles)} of the clusters hold a single unit: the result is a selection of units rather than a merge.`;
  return [{ id: "selection-not-merge", text }];
}

function idle({ plan, method, results }: Run): Warning[] {
  const why = method.weights === "relative" ? idleWeights(plan, method, results) : null;
  return why === null ? [] : [{ id: "weights-idle", text: `The weights have no effect: ${why}` }];
}

function isOfImages({ modules }: MergePlan): boolean {
  return ofImageModel(modules.map(({ name }) => name));
}

/** The products of the inputs' deltas, each multiplied by its weight in each module. */
function weightedProducts({ modules, inputs }: MergePlan, results: readonly ModuleResult[]): DeltaProducts {
  return results.reduce(
    (sum, { index, products }) => addProducts(sum, weightProducts(products, modules[index]!.weights)),
    noProducts(inputs.length),
  );
}

/** The weight of an input in all modules that have it; null if modules differ. */
function oneWeight({ modules }: MergePlan, input: number): number | null {
  const own = modules.filter(({ parts }) => parts.some((part) => part.input === input));
  const weights = new Set(own.map((module) => module.weights[input]!));
  const [only] = weights;
  return weights.size === 1 ? only! : null;
}

/** Whether the weighted sum of the inputs is only rounding error compared with them. */
function cancels(weighted: DeltaProducts): boolean {
  const square = weighted.inputs.reduce((sum, product) => sum + product, 0);
  const parts = weighted.cross.reduce((sum, _, t) => sum + normOf(weighted, t), 0);
  return square <= (LEAST_NORM_RATIO * parts) ** 2;
}

/** Why the user's weights change nothing, and what to do; null if they have an effect or were not given. */
function idleWeights(plan: MergePlan, method: Method, results: readonly ModuleResult[]): string | null {
  const weights = plan.modules.map((module) => module.weights.filter((weight) => weight !== 0));
  if (weights.every(({ length }) => length === 1)) {
    return weights.every(([weight]) => weight === 1)
      ? null
      : "they are relative, and there is one adapter; to scale its delta use --scale.";
  }
  if (method.cut !== "clusters" || weights.every((own) => own.every((weight) => weight === own[0]))) return null;
  const clustered = results.some(({ clusters }) => clusters?.some(({ members }) => members.length > 1));
  const ranksDiffer = results.some(({ live }) => live.some(([, units]) => units !== live[0]![1]));
  if (clustered || method.weighsUngrouped?.(plan.options, ranksDiffer)) return null;
  return "every unit is its own cluster at this rank; use a smaller --rank, or --method cat.";
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)}%`;
}
