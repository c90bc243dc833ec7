import type { Adapter, AdapterModule, ModuleKind } from "../adapter/adapter.ts";
import { refuseMisfits } from "../adapter/compatibility.ts";
import type { ConsumerId } from "../adapter/consumers.ts";
import { peftKey } from "../adapter/dialects/peft.ts";
import { factorShapes, MATRIX_KINDS, refuseKinds } from "../adapter/kinds.ts";
import { refuseVariants } from "../adapter/variants.ts";
import type { OutputDtype } from "../core/dtype.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import { maximum } from "../core/maximum.ts";
import { layoutSafetensors, type SafetensorsLayout, type TensorSpec } from "../formats/safetensors/layout.ts";
import { type AfterStep, type Method, sumOfRanks, type Target, targetRank } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import { checkRecipe } from "./check-recipe.ts";
import { checkTarget, refuseUncut } from "./check-target.ts";
import { checkWeights, refuseNoAverage } from "./check-weights.ts";
import { outputConfig, sharedFacts } from "./config.ts";
import { evenExperts, expertsIncomplete } from "./expert-ranks.ts";
import { type PlannedExtra, planExtras } from "./extras.ts";
import {
  consumerOf,
  consumerRank,
  refuseUnloadable,
  startWarnings,
  type ZeroModule,
  zeroModules,
  zerosAdded,
} from "./for-consumer.ts";
import { inputWarnings } from "./input-warnings.ts";
import { refuseTooManyUnits } from "./memory.ts";
import { underOneName } from "./one-name.ts";
import { leftOut, rankReduced } from "./plan-warnings.ts";
import { type DtypeChoice, outputDtype, type RankLayout, type Recipe } from "./recipe.ts";
import { selectModules, weighted } from "./selection.ts";
import type { Warning } from "./warning.ts";

/** The file that holds a merged adapter's tensors, and its config. */
export const WEIGHTS_FILE = "adapter_model.safetensors";
export const CONFIG_FILE = "adapter_config.json";

/** A byte range of the output file. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/** One module to merge: its share of each input, and where the result goes. */
export interface PlannedModule {
  readonly name: string;
  readonly kind: ModuleKind;
  readonly in: number;
  readonly out: number;
  readonly parts: readonly { readonly input: number; readonly module: AdapterModule }[];
  /** The weight of each input here, whether it has the module or not. */
  readonly weights: readonly number[];
  /** Rank that it is written with; shorter results are padded with zero units. */
  readonly rank: number;
  readonly a: Range;
  readonly b: Range;
  /** Kernel memory that the method takes beside the pool and the result, in bytes. */
  readonly scratch: number;
}

/** What a recipe means for given adapters: plain data that any thread can execute any part of. */
export interface MergePlan {
  readonly method: string;
  readonly options: unknown;
  readonly target: Target;
  /** The step that follows the method, or null. */
  readonly after: AfterStep | null;
  /** lambda. */
  readonly scale: number;
  readonly inputs: readonly { readonly name: string; readonly weight: number }[];
  readonly dtype: OutputDtype;
  /** The one scale of all inputs that the factors are left without, or null where scales are folded in. */
  readonly sharedScale: number | null;
  /** What is to load the result, where that decides its form; else null. */
  readonly consumer: ConsumerId | null;
  readonly rankLayout: RankLayout;
  /** The largest rank of a module. */
  readonly rank: number;
  readonly modules: readonly PlannedModule[];
  /** Modules that are written with zero factors, for consumers that want a type of module in every layer. */
  readonly zeros: readonly ZeroModule[];
  readonly extras: readonly PlannedExtra[];
  /** Extras that are not written, by input. */
  readonly skipped: readonly { readonly input: number; readonly tensor: string }[];
  /** Modules that are not written, and why, in words. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
  /** adapter_config.json of the output. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly warnings: readonly Warning[];
  /** Size of the output file in bytes. */
  readonly size: number;
}

/** What values have told that headers do not. */
export interface Known {
  /** The target where the recipe names none. */
  readonly target?: Target;
  /** The rank of each module, by name, where it is less than headers allow. */
  readonly ranks?: ReadonlyMap<string, number>;
}

/**
 * Decide everything about a merge that headers decide: modules, ranks, element type, offsets, config.
 *
 * @throws UsageError for a recipe that does not fit the adapters, RefusedError for adapters that do not fit each other
 */
export function makePlan(given: readonly Adapter[], recipe: Recipe, known: Known = {}): MergePlan {
  const method = methodById(recipe.method ?? "lego");
  checkRecipe(recipe, method);
  const consumer = consumerOf(recipe);
  const weights = checkWeights(given, recipe, method);
  const counts = weighted(given, recipe, weights);
  for (const adapter of given.filter((_, t) => counts[t])) refuseVariants(adapter);
  const { adapters, warnings: nameWarnings } = underOneName(given, counts);
  const selection = selectModules(adapters, recipe, weights);
  refuseNoAverage(method, selection);
  const used = adapters.filter((_, t) => selection.used[t]);
  for (const adapter of used) refuseKinds(adapter.name, adapter.modules.values(), MATRIX_KINDS, "a merge");
  refuseMisfits(used, recipe.allowPartial ?? false);
  const { facts, warnings } = sharedFacts(used);
  const inputs = adapters.map(({ name }, t) => ({ name, weight: weights[t]! }));
  const shares = selection.modules.map((module) => {
    const parts = adapters.flatMap((adapter, input) => {
      const found = module.weights[input] === 0 ? undefined : adapter.modules.get(module.name);
      return found === undefined ? [] : [{ input, module: found }];
    });
    return { ...module, parts };
  });
  refuseUnmet(method, adapters, used.length, shares);
  const sources = shares.flatMap(({ parts }) => parts.map(({ module }) => module));
  const target = recipe.target ?? known.target ?? method.defaultTarget(maximum(sources.map(({ rank }) => rank)));
  checkTarget(target);
  refuseUncut(method, target);
  const after = recipe.after ?? null;
  const rankLayout = recipe.rankLayout ?? "uniform";
  const unplaced = shares.map(({ name, weights: own, parts }) => {
    const ranks = parts.map(({ module }) => module.rank);
    const { kind, in: inputSize, out } = parts[0]!.module;
    const size = { in: inputSize, out };
    const most = Math.max(1, Math.min(method.fullRank(ranks, size), targetRank(target, sumOfRanks(ranks))));
    // A method may use what memory the target asks for, even where the result is known to be smaller.
    const scratch = method.scratchBytes?.({ ...size, ranks, rank: most }) ?? 0;
    return { name, kind, ...size, parts, weights: own, rank: Math.max(1, known.ranks?.get(name) ?? most), scratch };
  });
  const rank = consumerRank(consumer, maximum(unplaced.map((module) => module.rank)));
  const { modules: ranked, rank: expertRank } =
    rankLayout === "uniform"
      ? { modules: unplaced.map((module) => ({ ...module, rank })), rank: null }
      : evenExperts(unplaced);
  for (const { name, parts } of ranked)
    refuseTooManyUnits(
      name,
      parts.map(({ module }) => module),
    );
  const {
    extras,
    skipped,
    warnings: extraWarnings,
  } = planExtras(
    adapters,
    weights.map((weight, t) => (selection.used[t] ? weight : 0)),
    recipe.extras ?? "error",
  );
  if (consumer !== null) refuseUnloadable(consumer, sources, extras);
  const zeros = consumer === null ? [] : zeroModules(consumer, ranked);
  const dtype = chooseDtype(sources, recipe.dtype ?? "auto");
  const layout = planLayout({ modules: ranked, zeros, extras, dtype });
  const place = (key: string): Range => {
    const { begin, end } = layout.tensors.get(key)!;
    return { begin, end };
  };
  const sharedScale = commonScale(
    sources.map(({ scale }) => scale),
    ranked.map((module) => module.rank),
  );
  const alphaOf = (own: number): number => (sharedScale === null ? own : Math.round(sharedScale * own));
  return {
    method: method.id,
    options: { ...(method.defaults as object), ...recipe.options },
    target,
    after,
    scale: recipe.scale ?? 1,
    inputs,
    dtype,
    sharedScale,
    consumer: consumer?.id ?? null,
    rankLayout,
    rank,
    zeros,
    modules: ranked.map((module) => ({ ...module, a: place(peftKey(module, "A")), b: place(peftKey(module, "B")) })),
    extras: extras.map((extra) => ({ ...extra, ...place(extra.key) })),
    skipped,
    leftOut: selection.left,
    config: outputConfig(
      used,
      facts,
      [...ranked, ...zeros].map(({ name, rank: own }) => ({ name, rank: own, alpha: alphaOf(own) })),
      selection.left,
      extras,
      { rank: expertRank ?? rank, alpha: alphaOf(expertRank ?? rank) },
    ),
    warnings: [
      ...zerosAdded(zeros),
      ...expertsIncomplete([...ranked, ...zeros]),
      ...rankReduced(recipe.target, maximum(unplaced.map((module) => module.rank))),
      ...startWarnings(consumer, rank),
      ...leftOut(adapters, weights, selection, shares),
      ...warnings,
      ...nameWarnings,
      ...inputWarnings(used),
      ...extraWarnings,
    ],
    size: layout.size,
  };
}

/** The output file's header and the place of each tensor. */
export function planLayout({
  modules,
  zeros,
  extras,
  dtype,
}: {
  readonly modules: readonly Pick<PlannedModule, "name" | "kind" | "out" | "parts" | "rank">[];
  readonly zeros: readonly ZeroModule[];
  readonly extras: readonly Pick<PlannedExtra, "key" | "dtype" | "shape">[];
  readonly dtype: OutputDtype;
}): SafetensorsLayout {
  const specs: TensorSpec[] = extras.map(({ key, dtype: own, shape }) => ({ name: key, dtype: own, shape }));
  const shapes = modules.map((module) => ({ ...module, inputShape: module.parts[0]!.module.inputShape }));
  for (const module of [...shapes, ...zeros]) {
    const { a, b } = factorShapes(module);
    specs.push({ name: peftKey(module, "A"), dtype, shape: a }, { name: peftKey(module, "B"), dtype, shape: b });
  }
  return layoutSafetensors(specs, { format: "pt" });
}

/** Refuse adapters that a method's `needs` rule out. */
function refuseUnmet(
  { id, needs }: Method,
  adapters: readonly Adapter[],
  used: number,
  modules: readonly Pick<PlannedModule, "name" | "parts">[],
): void {
  if (needs.adapters !== undefined && used !== needs.adapters) {
    throw new UsageError(
      `${id} merges ${needs.adapters} adapters, but ${used} are given; pass ${needs.adapters}, or choose another --method.`,
    );
  }
  if (!needs.equalRanks) return;
  for (const { name, parts } of modules) {
    const [first] = parts;
    const other = parts.find(({ module }) => module.rank !== first!.module.rank);
    if (other === undefined) continue;
    const [one, two] = [first!, other].map(({ input, module }) => `${module.rank} in ${adapters[input]!.name}`);
    throw new RefusedError(
      `${id} needs adapters of equal rank, but ${name} has rank ${one} and ${two}; bring them to one rank first, or choose a method that takes any, as svd.`,
    );
  }
}

function chooseDtype(modules: readonly AdapterModule[], choice: DtypeChoice): OutputDtype {
  if (choice !== "auto") return outputDtype(choice);
  const stored = new Set(modules.flatMap(({ a, b }) => [a.dtype, b.dtype]));
  const [only] = stored;
  return stored.size === 1 && (only === "F16" || only === "BF16") ? only : "F32";
}

/** The scale that all modules share, if it can be written as a whole alpha at every written rank. */
function commonScale(scales: readonly number[], ranks: readonly number[]): number | null {
  const scale = scales[0]!;
  if (scales.some((other) => other !== scale)) return null;
  const whole = (alpha: number): boolean => Math.abs(alpha / Math.round(alpha) - 1) < 1e-12;
  return ranks.every((rank) => whole(scale * rank)) ? scale : null;
}
