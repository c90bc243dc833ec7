import { type ConfigModule, type RankAndAlpha, rankPatterns } from "./rank-patterns.ts";
import { savedModules, trainedBiases } from "./saved-modules.ts";
import { type StatedTargets, targetModules } from "./target-modules.ts";

/** A LoRA as its config describes it. */
export interface ConfiguredLora {
  readonly baseModel: string | null;
  readonly taskType: string | null;
  /** Whether adapted layers hold their weights as (in, out), as GPT-2's Conv1D does. */
  readonly fanInFanOut: boolean;
  readonly modules: readonly ConfigModule[];
  /** Rank and alpha of modules that no pattern matches. */
  readonly common: RankAndAlpha;
  /** Keys of the tensors saved next to the factors. */
  readonly extras: readonly string[];
  /** What the source configs say about their modules; empty without sources. */
  readonly sources: readonly (StatedTargets & { readonly modulesToSave: readonly string[] })[];
  /** Modules of the sources that are not written. */
  readonly left: readonly string[];
}

/** adapter_config.json of a LoRA that lora-lego writes: the fields that consumers need and nothing else. */
export function peftConfig(lora: ConfiguredLora): Record<string, unknown> {
  const { modules, common, extras, sources } = lora;
  const saved = savedModules(sources, extras);
  const names = modules.map(({ name }) => name);
  return {
    peft_type: "LORA",
    task_type: lora.taskType,
    base_model_name_or_path: lora.baseModel,
    r: common.rank,
    lora_alpha: common.alpha,
    lora_dropout: 0,
    bias: trainedBiases(names, extras, saved),
    target_modules: targetModules(sources, names, lora.left),
    fan_in_fan_out: lora.fanInFanOut,
    use_rslora: false,
    use_dora: false,
    ...rankPatterns(modules, common),
    modules_to_save: saved.length === 0 ? null : saved,
    inference_mode: true,
  };
}

/** The text of a config's file, PEFT's or another format's. */
export function configText(fields: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(fields, null, 2)}\n`;
}
