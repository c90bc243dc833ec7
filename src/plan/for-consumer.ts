import type { AdapterModule } from "../adapter/adapter.ts";
import {
  type Consumer,
  consumerById,
  isOneHead,
  missingLayers,
  paddedRank,
  placeOf,
  shapeOfGap,
  startedFor,
} from "../adapter/consumers.ts";
import { unpairedParameters } from "../adapter/experts.ts";
import { ofImageModel } from "../adapter/names/components.ts";
import { numberedList, renamedForTrainer } from "../adapter/names/numbered.ts";
import { stackGaps } from "../adapter/stacked.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import { plural } from "../core/plural.ts";
import type { StoredModule } from "../formats/peft-folder/factors.ts";
import { pathOfTokens } from "../formats/peft-folder/inner-keys.ts";
import { pathOfBias } from "../formats/peft-folder/keys.ts";
import { isExpertWeight, isPart, placeOfPart } from "../formats/peft-folder/parameters.ts";
import type { Target } from "../methods/method.ts";
import type { LooseRecipe, RankLayout } from "../recipe/recipe.ts";
import type { PlannedExtra } from "./merge-plan.ts";
import type { Warning } from "./warning.ts";

/**
 * The consumer that a recipe names, or null.
 *
 * @throws UsageError if the recipe asks for patterns and the consumer reads none
 */
export function consumerOf({ for: id, rankLayout }: LooseRecipe): Consumer | null {
  if (id === undefined) return null;
  const consumer = consumerById(id);
  if (rankLayout === "pattern" && !takesPatterns(consumer)) {
    throw new UsageError(
      `${consumer.title} does not read rank_pattern and alpha_pattern, which --rank-layout pattern writes; leave that flag out.`,
    );
  }
  return consumer;
}

/**
 * How ranks are laid out: as the recipe says; by default a budget gives each module its own rank, wherever they are read.
 */
export function layoutOf({ rankLayout }: LooseRecipe, target: Target, consumer: Consumer | null): RankLayout {
  const own = target.kind === "budget" && (consumer === null || takesPatterns(consumer));
  return rankLayout ?? (own ? "pattern" : "uniform");
}

/** Writers of other formats than PEFT give all modules one rank themselves if a program needs that. */
function takesPatterns({ formats, differing }: Consumer): boolean {
  return !formats.includes("peft") || differing === "all";
}

/**
 * Refuse to make a PEFT adapter for a consumer that does not load PEFT, before any work is done.
 *
 * @param by place or maker of the adapter, for the message
 */
export function refuseNoPeft({ for: id }: Pick<LooseRecipe, "for">): void {
  const consumer = id === undefined ? null : consumerById(id);
  if (consumer === null || consumer.formats.includes("peft")) return;
  throw new UsageError(
    `${consumer.title} loads ${consumer.formats.join(" and ")} files, but a PEFT adapter is made here; leave "for" out and convert the result to ${consumer.formats[0]}.`,
  );
}

/** The rank to write for modules of `rank` units. @param mend says how to come to a smaller one @throws RefusedError beyond the consumer's largest */
export function consumerRank(
  consumer: Consumer | null,
  rank: number,
  mend: (most: number) => string = (most) => `pass --rank ${most} or less`,
): number {
  if (consumer === null) return rank;
  const padded = paddedRank(consumer, rank);
  if (padded !== null) return padded;
  throw new RefusedError(
    `${consumer.title} takes rank ${consumer.mostRank} at most, but the result would have rank ${rank}; ${mend(consumer.mostRank!)}.`,
  );
}

/** Say how to start the consumer if its default is too small for the rank. */
export function startWarnings(consumer: Consumer | null, rank: number): Warning[] {
  const start = consumer === null || rank <= (consumer.startRank?.default ?? rank) ? null : startedFor(consumer, rank);
  return start === null ? [] : [{ id: "server-limit", text: `The result has rank ${rank}; ${start}` }];
}

/** Tensors that belong to adapters that are more than plain LoRA. */
const OF_VARIANTS = [
  { id: "lora_bias", what: "biases next to B", pathOf: pathOfBias },
  { id: "token_indices", what: "trained token rows", pathOf: pathOfTokens },
] as const;

/** Refuse modules and tensors that a consumer does not load. */
export function refuseUnloadable(
  consumer: Consumer,
  modules: readonly Pick<AdapterModule, "name" | "kind" | "parameter">[],
  extras: readonly Pick<PlannedExtra, "key">[],
): void {
  const { title, kinds, extras: loads, formats, models, variants } = consumer;
  const numbered = modules.find(({ name }) => numberedList(name) !== null);
  if (numbered !== undefined) {
    throw new RefusedError(
      `${title} finds modules by their names, but these adapters number them (such as ${numbered.name}), as the code that trained them does; leave --for out, write a folder, and ${renamedForTrainer(numbered.name)}.`,
    );
  }
  if (models === "language" && ofImageModel(modules.map(({ name }) => name))) {
    throw new RefusedError(
      `${title} runs language models, but ${modules[0]!.name} belongs to an image model; leave --for out, or pass --for diffusers or --for comfyui.`,
    );
  }
  const odd = modules.find(({ kind }) => !kinds[kind]);
  if (odd !== undefined) {
    throw new RefusedError(
      `${title} does not adapt ${odd.kind} modules such as ${odd.name}; leave them out with lora-lego merge --exclude, or leave --for out.`,
    );
  }
  // Only PEFT's writer takes such factors and tensors; the others refuse them themselves.
  if (!formats.includes("peft")) return;
  refuseParameters(consumer, modules);
  for (const { id, what, pathOf } of OF_VARIANTS) {
    const extra = extras.find(({ key }) => pathOf(key) !== null);
    if (extra === undefined || variants[id] === "loads") continue;
    throw new RefusedError(
      `${title} loads no ${what} (such as ${extra.key}); pass --extras drop, which loses their effect, or leave --for out.`,
    );
  }
  if (loads !== "all" && extras.length > 0 && !(loads === "one-head" && isOneHead(extras.map(({ key }) => key)))) {
    throw new RefusedError(
      `${title} loads factors only, but ${extras.length === 1 ? "another tensor" : `${extras.length} other tensors`} would be written too (such as ${extras[0]!.key}); pass --extras drop.`,
    );
  }
}

/** Refuse factors of parameters that a consumer leaves out, or does not find. */
function refuseParameters(
  { id, title, variants, stackedExperts }: Consumer,
  modules: readonly Pick<AdapterModule, "name" | "parameter">[],
): void {
  const part = modules.filter(isPart).find(({ parameter }) => !(stackedExperts && isExpertWeight(parameter.name)));
  if (part !== undefined && (variants.target_parameters === "fails" || variants.target_parameters === "differs")) {
    throw new RefusedError(
      `${title} does not load factors of parameters such as ${placeOfPart(part).path}; leave them out with lora-lego merge --exclude, which loses their effect, or leave --for out.`,
    );
  }
  const unpaired = id === "vllm" ? unpairedParameters(modules) : null;
  if (unpaired === null) return;
  throw new RefusedError(
    `${title} takes gate_up_proj and down_proj of experts together and no other parameters, but the result would have ${unpaired.names.join(", ")} of ${unpaired.layer}; merge adapters of these two, or leave the experts out with lora-lego merge --exclude.`,
  );
}

/** The modules in the layout that a consumer takes experts in. */
export function storedFor<M extends StoredModule>({ stackedExperts }: Consumer, modules: readonly M[]): readonly M[] {
  if (!stackedExperts) return modules;
  return modules.map((module) =>
    isPart(module) ? { ...module, parameter: { ...module.parameter, stacked: true } } : module,
  );
}

/** The zero modules that a consumer needs besides those that are written. @throws RefusedError if the size of one is unknown */
export function zeroModules(consumer: Consumer, modules: readonly StoredModule[]): StoredModule[] {
  return [
    ...(consumer.everyLayer ? layerZeros(modules) : []),
    ...(consumer.stacks ? stackZeros(consumer, modules) : []),
  ];
}

/** A zero module for every layer in which a module type is missing, in the shape of the type's first module. */
function layerZeros(modules: readonly StoredModule[]): StoredModule[] {
  return [...missingLayers(modules.map(({ name }) => name))].flatMap(([type, layers]) => {
    const model = modules.find(({ name }) => placeOf(name)?.type === type)!;
    return layers.map((layer) => zeroLike(model, type.replace("*", String(layer))));
  });
}

/** A zero module for every gap in a stack, in the shape of its type in another layer, or else of the module it must match. */
function stackZeros({ title }: Consumer, modules: readonly StoredModule[]): StoredModule[] {
  return stackGaps(modules.map(({ name }) => name)).map((gap) => {
    const { lacking, beside } = gap;
    const model = shapeOfGap(gap, modules);
    if (model !== null) return zeroLike(model, lacking);
    throw new RefusedError(
      `${title} stacks ${beside} with ${lacking}, which no adapter has, so its size is unknown; merge with an adapter that has it, or leave ${beside} out with --exclude.`,
    );
  });
}

function zeroLike({ kind, inputShape, out, rank }: StoredModule, name: string): StoredModule {
  return { name, kind, inputShape, out, rank };
}

/** Warn that modules were written that no adapter has. */
export function zerosAdded(zeros: readonly StoredModule[]): Warning[] {
  if (zeros.length === 0) return [];
  const text = `${plural(zeros.length, "module")} that no adapter has (such as ${zeros[0]!.name}) ${zeros.length === 1 ? "is" : "are"} written with zero factors, so that each type of module is complete.`;
  return [{ id: "zero-factors", text }];
}
