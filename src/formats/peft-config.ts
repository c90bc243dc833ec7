import { FormatError, RefusedError } from "../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson, showJson } from "./json.ts";

/** What a merge needs of PEFT's adapter_config.json; absent fields stand at PEFT's defaults. */
export interface PeftConfig {
  readonly baseModel: string | null;
  readonly taskType: string | null;
  /** r, of modules that no rank pattern matches. */
  readonly rank: number;
  /** lora_alpha, of modules that no alpha pattern matches. */
  readonly alpha: number;
  /** [pattern, rank] in the file's order: the first match wins. */
  readonly rankPattern: readonly (readonly [string, number])[];
  readonly alphaPattern: readonly (readonly [string, number])[];
  readonly rslora: boolean;
  readonly fanInFanOut: boolean;
  /** Whether biases were trained (bias "all" or "lora_only"): then a layer's own bias is the adapter's. */
  readonly trainsBiases: boolean;
  /** The plain list of target_modules; null where it is a regular expression or other fields narrow it. */
  readonly targetModules: readonly string[] | null;
  /** Whether the adapter was told to leave layers out (layers_to_transform). */
  readonly someLayers: boolean;
  readonly modulesToSave: readonly string[];
  /** Fields that lora-lego does not know; they are reported and never copied. */
  readonly unknownFields: readonly string[];
}

/** What each field that changes an adapter's meaning makes of it, and the way out; refused when set. */
const REFUSED: Readonly<Record<string, string>> = {
  use_dora:
    "is a DoRA adapter, whose magnitudes no sum of low-rank deltas can carry; fuse it into its base model instead",
  lora_bias: "trains a bias beside B (lora_bias), which a LoRA delta cannot carry; retrain it without lora_bias",
  use_qalora: "is a QA-LoRA adapter, whose A acts on pooled inputs; retrain it as plain LoRA",
  use_bdlora: "is a block-diagonal LoRA (use_bdlora); retrain it as plain LoRA",
  enable_lora:
    "is a MergedLinear adapter of 2023 (enable_lora), whose grouped B has no product B A; retrain it with today's PEFT",
  layer_replication:
    "belongs to a base whose layers are replicated (layer_replication); no other adapter's layers fit it",
  alora_invocation_tokens:
    "is an activated LoRA (alora_invocation_tokens), which acts only after certain tokens; a merged LoRA acts on all",
  target_parameters:
    "adapts expert parameters (target_parameters), which lora-lego does not read yet; retrain it on modules, or leave it out",
  trainable_token_indices:
    "trains single token embeddings (trainable_token_indices), which are not LoRA units; retrain it without them",
  arrow_config: "is an Arrow router over adapters (arrow_config); merge the adapters that it routes to",
  velora_config: "is a VeLoRA variant (velora_config); retrain it as plain LoRA",
  monteclora_config: "is a MonteCLoRA variant (monteclora_config); retrain it as plain LoRA",
  kasa_config: "is a KaSA variant (kasa_config); retrain it as plain LoRA",
};

/** Those that are true or false. */
const FLAGS = ["use_dora", "lora_bias", "use_qalora"];

/** Initialisations that train against a changed base: the file is then not relative to the base it names. */
const CHANGED_BASE = /^(pissa|olora|corda|loftq|lora_ga)/i;

const KNOWN = new Set([
  ...Object.keys(REFUSED),
  ..."peft_type base_model_name_or_path task_type r lora_alpha rank_pattern alpha_pattern use_rslora".split(" "),
  ..."fan_in_fan_out target_modules exclude_modules layers_to_transform layers_pattern modules_to_save".split(" "),
  ..."init_lora_weights auto_mapping bias inference_mode lora_dropout revision peft_version".split(" "),
  ..."megatron_config megatron_core loftq_config eva_config corda_config lora_ga_config qalora_group_size".split(" "),
  ..."ensure_weight_tying runtime_config merge_weights".split(" "),
]);

/**
 * Parse adapter_config.json of a PEFT LoRA adapter.
 *
 * @param where what messages call the file
 * @param dora let use_dora pass, for who applies magnitudes
 * @throws FormatError when it is not such a file or a field has the wrong type; RefusedError when a field that changes the
 *   adapter's meaning is set
 */
export function parsePeftConfig(text: string, where: string, dora = false): PeftConfig {
  const fields = parseStrictJson(text, where);
  if (!isJsonObject(fields)) {
    throw new FormatError(
      `${where} holds no JSON object; take the adapter_config.json that PEFT saved with the adapter.`,
    );
  }
  const kind = fields.peft_type;
  if (kind !== "LORA") {
    const got = kind === undefined ? "no peft_type" : `peft_type ${showJson(kind)}`;
    throw new RefusedError(`${where} has ${got}, but lora-lego merges LoRA adapters only (peft_type "LORA").`);
  }
  if (fields.target_modules === undefined && !isSet(fields.target_parameters)) {
    throw new FormatError(
      `${where} has no target_modules, which every PEFT LoRA config has; take the adapter's own config.`,
    );
  }
  for (const [field, reason] of Object.entries(REFUSED)) {
    const value = fields[field];
    if (FLAGS.includes(field) && isSet(value) && ["string", "number"].includes(typeof value)) {
      throw new FormatError(`${where}: ${field} is ${showJson(value)}, but must be true or false; correct it.`);
    }
    if (isSet(value) && !(dora && field === "use_dora")) throw new RefusedError(`${where} ${reason}.`);
  }
  const init = fields.init_lora_weights;
  if (typeof init === "string" && CHANGED_BASE.test(init)) {
    throw new RefusedError(
      `${where} was trained against a base changed by its ${showJson(init)} initialisation; save it again as plain LoRA with PEFT (save_pretrained with path_initial_model_for_weight_conversion) and merge that.`,
    );
  }
  const read = reader(fields, where);
  const targets = fields.target_modules;
  return {
    baseModel: read.text("base_model_name_or_path"),
    taskType: read.text("task_type"),
    rank: read.number("r", 8),
    alpha: read.number("lora_alpha", 8),
    rankPattern: read.pattern("rank_pattern"),
    alphaPattern: read.pattern("alpha_pattern"),
    rslora: read.flag("use_rslora"),
    fanInFanOut: read.flag("fan_in_fan_out"),
    trainsBiases: (read.text("bias") ?? "none") !== "none",
    targetModules:
      Array.isArray(targets) && !isSet(fields.layers_to_transform) && !isSet(fields.exclude_modules)
        ? read.texts("target_modules")
        : null,
    someLayers: isSet(fields.layers_to_transform),
    modulesToSave: read.texts("modules_to_save"),
    unknownFields: Object.keys(fields).filter((field) => !KNOWN.has(field)),
  };
}

/** Whether a field says something: not absent, null, false, or empty. */
function isSet(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === false || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

function reader(fields: JsonObject, where: string) {
  const wrong = (field: string, expected: string): FormatError =>
    new FormatError(`${where}: ${field} is ${showJson(fields[field])}, but must be ${expected}; correct it.`);
  return {
    text(field: string): string | null {
      const value = fields[field] ?? null;
      if (value !== null && typeof value !== "string") throw wrong(field, "a text or null");
      return value;
    },
    texts(field: string): string[] {
      const value = fields[field] ?? [];
      if (!Array.isArray(value) || value.some((item) => typeof item !== "string"))
        throw wrong(field, "a list of texts");
      return [...new Set(value as string[])];
    },
    flag(field: string): boolean {
      const value = fields[field] ?? false;
      if (typeof value !== "boolean") throw wrong(field, "true or false");
      return value;
    },
    number(field: string, absent: number): number {
      const value = fields[field] === undefined ? absent : fields[field];
      if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(field, "a finite number");
      if (field === "r" && !(Number.isSafeInteger(value) && value > 0)) throw wrong(field, "a whole number above 0");
      return value;
    },
    pattern(field: string): [string, number][] {
      const value = fields[field] ?? {};
      if (!isJsonObject(value)) throw wrong(field, "an object of finite numbers");
      const entries = Object.entries(value).map(([key, entry]): [string, number] => {
        if (typeof entry === "number" && Number.isFinite(entry)) return [key, entry];
        throw new FormatError(
          `${where}: ${field} gives ${showJson(key)} the value ${showJson(entry)}, but it must be a finite number; correct it.`,
        );
      });
      const number = entries.find(([key]) => /^\d+$/.test(key));
      if (number !== undefined && entries.length > 1) {
        // JavaScript moves such keys to the front of an object, and the first match wins.
        throw new RefusedError(
          `${where}: ${field} has the key ${JSON.stringify(number[0])} among others, so which of them comes first is lost; name that module with its parent, as to_out.0.`,
        );
      }
      return entries;
    },
  };
}
