import type { Adapter } from "../adapter/adapter.ts";
import { withoutPeftPrefix } from "../adapter/names/wrapped.ts";
import type { PlannedExtra } from "./extras.ts";
import type { Warning } from "./warning.ts";

/** What the inputs' configs agree on. */
export interface SharedFacts {
  readonly baseModel: string | null;
  readonly taskType: string | null;
  readonly fanInFanOut: boolean;
}

/** Find what the inputs say in common, and warn where they differ. */
export function sharedFacts(adapters: readonly Adapter[]): { facts: SharedFacts; warnings: Warning[] } {
  const warnings: Warning[] = [];
  const bases = distinct(adapters.map(({ baseModel }) => baseModel));
  if (bases.length > 1) {
    warnings.push({
      id: "different-base",
      text: `The adapters name different base models (${bases.join(", ")}); their shapes agree, and the result names the first.`,
    });
  }
  const tasks = distinct(adapters.map(({ taskType }) => taskType));
  if (tasks.length > 1) {
    warnings.push({
      id: "different-task",
      text: `The adapters have different task types (${tasks.join(", ")}); the result names none.`,
    });
  }
  const fans = distinct(adapters.map(({ fanInFanOut }) => String(fanInFanOut)));
  if (fans.length > 1) {
    warnings.push({
      id: "different-fan",
      text: "The adapters differ in fan_in_fan_out, which PEFT sets by the kind of base layer; the result says true.",
    });
  }
  return {
    facts: {
      baseModel: bases[0] ?? null,
      taskType: tasks.length === 1 ? tasks[0]! : null,
      fanInFanOut: fans.includes("true"),
    },
    warnings,
  };
}

function distinct(values: readonly (string | null)[]): string[] {
  return [...new Set(values.filter((value) => value !== null))];
}

/** What PEFT's scale is made of: alpha / rank. */
interface RankAndAlpha {
  readonly rank: number;
  readonly alpha: number;
}

/**
 * adapter_config.json of a merged adapter: the fields that consumers need and nothing else.
 *
 * @param left modules of the inputs that are not written
 * @param common rank and alpha of modules that no pattern names
 */
export function outputConfig(
  adapters: readonly Adapter[],
  facts: SharedFacts,
  modules: readonly (RankAndAlpha & { readonly name: string })[],
  left: readonly { readonly name: string }[],
  extras: readonly Pick<PlannedExtra, "key">[],
  common: RankAndAlpha,
): Record<string, unknown> {
  const odd = patternModules(modules, common);
  const saved = savedModules(adapters, extras);
  return {
    peft_type: "LORA",
    task_type: facts.taskType,
    base_model_name_or_path: facts.baseModel,
    r: common.rank,
    lora_alpha: common.alpha,
    lora_dropout: 0,
    bias: trainedBiases(modules, extras, saved),
    target_modules: targetModules(adapters, modules, left),
    fan_in_fan_out: facts.fanInFanOut,
    use_rslora: false,
    use_dora: false,
    rank_pattern: Object.fromEntries(odd.map((module) => [patternOf(module.name, modules), module.rank])),
    alpha_pattern: Object.fromEntries(odd.map((module) => [patternOf(module.name, modules), module.alpha])),
    modules_to_save: saved.length === 0 ? null : saved,
    inference_mode: true,
  };
}

/**
 * The modules that need a pattern: those of another rank or alpha, and those whose path ends with such a module's path, since a
 * pattern matches the ends of paths and the first match wins. Longer paths come first for the same reason.
 */
function patternModules<M extends RankAndAlpha & { readonly name: string }>(
  modules: readonly M[],
  common: RankAndAlpha,
): M[] {
  const differs = ({ rank, alpha }: M): boolean => rank !== common.rank || alpha !== common.alpha;
  const odd = new Set(modules.filter(differs).map(({ name }) => name));
  const parts = (name: string): string[] => name.split(".");
  const matched = (name: string): boolean => parts(name).some((_, from, path) => odd.has(path.slice(from).join(".")));
  return modules
    .filter(({ name }) => matched(name))
    .sort((one, other) => parts(other.name).length - parts(one.name).length);
}

/** Names that mean themselves in a regular expression, but for their dots, and are no number, which JavaScript would put first. */
const PLAIN_NAME = /^(?!\d+$)[\w.-]+$/;

/**
 * The pattern that matches a module and those whose paths end with its own. It is the plain path, as people write it, unless PEFT's
 * "(.*\.)?(pattern)$" would then match more (a dot stands for any character there) or less: then the path itself, escaped.
 */
function patternOf(name: string, modules: readonly { readonly name: string }[]): string {
  const escaped = `^${name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
  if (!PLAIN_NAME.test(name)) return escaped;
  const loose = new RegExp(`(^|\\.)${name}$`);
  const strays = modules.some((other) => loose.test(other.name) && !`.${other.name}`.endsWith(`.${name}`));
  return strays ? escaped : name;
}

/**
 * The union of the inputs' plain lists but for what is left out, where that names every module; else every module by its full path.
 */
function targetModules(
  adapters: readonly Adapter[],
  modules: readonly { readonly name: string }[],
  left: readonly { readonly name: string }[],
): string[] {
  const full = modules.map(({ name }) => name);
  const lists = adapters.map(({ targetModules: list }) => list);
  if (lists.includes(null)) return full;
  const union = new Set(lists.flatMap((list) => list ?? []));
  // PEFT would make a fresh LoRA for a module that an entry names and the file lacks.
  for (const { name } of left) for (const suffix of suffixes(name)) union.delete(suffix);
  return full.every((name) => suffixes(name).some((suffix) => union.has(suffix))) ? [...union].sort() : full;
}

/** A dotted path and what is left of it from each dot on. */
function suffixes(path: string): string[] {
  const parts = path.split(".");
  return parts.map((_, from) => parts.slice(from).join("."));
}

/**
 * The modules whose weights are kept as extras, as modules_to_save names them: an entry of an input's list where one holds the tensor,
 * else the full path of the module that owns it (a bare last name would match others). Single biases, and tensors of the model
 * itself, belong to no saved module.
 */
function savedModules(adapters: readonly Adapter[], extras: readonly Pick<PlannedExtra, "key">[]): string[] {
  const named = new Set(adapters.flatMap(({ modulesToSave }) => modulesToSave));
  const saved = new Set<string>();
  for (const { key } of extras) {
    const path = withoutPeftPrefix(key).split(".");
    const owner = path.slice(0, -1);
    // All runs of whole parts of the owner's path: "model.head" names what lies in model.head or x.model.head.
    const runs = owner.flatMap((_, from) => owner.slice(from).map((_, length) => owner.slice(from, from + length + 1)));
    const known = runs.map((run) => run.join(".")).find((run) => named.has(run));
    if (known !== undefined) saved.add(known);
    else if (path.at(-1) !== "bias" && owner.length > 0) saved.add(owner.join("."));
  }
  return [...saved].sort();
}

/**
 * What PEFT calls the biases among the extras: those of adapted layers alone, all kinds, or none. Readers take base_layer.bias for a copy
 * of the base's where the config says none.
 */
function trainedBiases(
  modules: readonly { readonly name: string }[],
  extras: readonly Pick<PlannedExtra, "key">[],
  saved: readonly string[],
): "none" | "lora_only" | "all" {
  const owners = extras.flatMap(({ key }) => /^(.+?)(?:\.base_layer)?\.bias$/.exec(withoutPeftPrefix(key))?.[1] ?? []);
  const biased = owners.filter((owner) => !saved.some((own) => `.${owner}.`.includes(`.${own}.`)));
  if (biased.length === 0) return "none";
  const adapted = new Set(modules.map(({ name }) => name));
  return biased.every((owner) => adapted.has(owner)) ? "lora_only" : "all";
}
