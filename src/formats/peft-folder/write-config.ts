import { pathOfTokens } from "./inner-keys.ts";
import { pathOfBias } from "./keys.ts";
import { isPart, type ParameterPart, placeOfPart } from "./parameters.ts";
import { type ConfigModule, type RankAndAlpha, rankPatterns } from "./rank-patterns.ts";
import { savedModules, trainedBiases } from "./saved-modules.ts";
import { type StatedTargets, targetsOf } from "./target-modules.ts";

/** A LoRA as its config describes it. */
export interface ConfiguredLora {
  readonly baseModel: string | null;
  readonly taskType: string | null;
  /** Whether adapted layers hold their weights as (in, out), as GPT-2's Conv1D does. */
  readonly fanInFanOut: boolean;
  readonly modules: readonly (ConfigModule & { readonly parameter?: ParameterPart })[];
  /** Rank and alpha of modules that no pattern matches. */
  readonly common: RankAndAlpha;
  /** Keys of the tensors saved next to the factors, biases of B and token rows among them. */
  readonly extras: readonly string[];
  /** The tokens of trained rows, by embedding. Default: none. */
  readonly tokenIndices?: ReadonlyMap<string, readonly number[]>;
  /** The tokens after which an activated LoRA acts. Default: none. */
  readonly invocationTokens?: readonly number[];
  /** Whether a head that is tied to the embedding follows it (ensure_weight_tying). Default false. */
  readonly tiesWeights?: boolean;
  /** What the source configs say about their modules; empty without sources. */
  readonly sources: readonly (StatedTargets & { readonly modulesToSave: readonly string[] })[];
  /** Modules of the sources that are not written. */
  readonly left: readonly { readonly name: string; readonly parameter?: ParameterPart }[];
}

/** adapter_config.json of a LoRA that lora-lego writes: the fields that consumers need and nothing else. */
export function peftConfig(lora: ConfiguredLora): Record<string, unknown> {
  const { common, sources, tokenIndices = new Map(), invocationTokens = [], tiesWeights = false } = lora;
  const biased = lora.extras.some((key) => pathOfBias(key) !== null);
  const extras = lora.extras.filter((key) => pathOfBias(key) === null && pathOfTokens(key) === null);
  const saved = savedModules(sources, extras);
  const isStacked = ({ parameter }: ConfiguredLora["modules"][number]): boolean => parameter?.stacked === true;
  // SGLang finds what is stacked among target_modules.
  const layers = [...lora.modules.filter((module) => !isPart(module)), ...parametersOf(lora.modules.filter(isStacked))];
  const names = layers.map(({ name }) => name);
  const parameters = parametersOf(lora.modules.filter((module) => !isStacked(module)));
  const paths = parameters.map(({ name }) => name);
  const written = new Set(paths);
  const left = [...pathsLeft(lora.left)].filter((path) => !written.has(path));
  return {
    peft_type: "LORA",
    task_type: lora.taskType,
    base_model_name_or_path: lora.baseModel,
    r: common.rank,
    lora_alpha: common.alpha,
    lora_dropout: 0,
    bias: trainedBiases(names, extras, saved),
    target_modules: targetsOf(
      sources.map((source) => source.targetModules),
      names,
      left,
    ),
    ...(paths.length > 0 && {
      target_parameters: targetsOf(
        sources.map((source) => source.targetParameters),
        paths,
        left,
      ),
    }),
    fan_in_fan_out: lora.fanInFanOut,
    use_rslora: false,
    use_dora: false,
    ...(biased && { lora_bias: true }),
    ...(tokenIndices.size > 0 && { trainable_token_indices: Object.fromEntries(tokenIndices) }),
    ...(invocationTokens.length > 0 && { alora_invocation_tokens: invocationTokens }),
    ...(tiesWeights && { ensure_weight_tying: true }),
    ...rankPatterns([...layers, ...parameters], common),
    modules_to_save: saved.length === 0 ? null : saved,
    inference_mode: true,
  };
}

/** The parameters of modules by their paths, each with the rank and alpha of its experts. */
function parametersOf(modules: ConfiguredLora["modules"]): ConfigModule[] {
  const found = new Map(
    modules.filter(isPart).map((module) => [placeOfPart(module).path, module as ConfigModule] as const),
  );
  return Array.from(found, ([name, { rank, alpha }]) => ({ name, rank, alpha }));
}

/** What configs call modules that are left out. */
function pathsLeft(left: ConfiguredLora["left"]): Set<string> {
  return new Set(left.map((module) => (isPart(module) ? placeOfPart(module).path : module.name)));
}

/** The text of a config's file, PEFT's or another format's. */
export function configText(fields: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(fields, null, 2)}\n`;
}
