import { FormatError, RefusedError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson, showJson } from "../json.ts";
import { CONFIG_FILE } from "./files.ts";

/** What a merge needs from PEFT's adapter_config.json; absent fields have PEFT's defaults. */
export interface PeftConfig {
  readonly baseModel: string | null;
  readonly taskType: string | null;
  /** r, for modules that no rank pattern matches. */
  readonly rank: number;
  /** lora_alpha, for modules that no alpha pattern matches. */
  readonly alpha: number;
  /** [pattern, rank] in the file's order: the first match wins. */
  readonly rankPattern: readonly (readonly [string, number])[];
  readonly alphaPattern: readonly (readonly [string, number])[];
  readonly rslora: boolean;
  readonly fanInFanOut: boolean;
  /** bias: "none", or "all" or "lora_only" where biases were trained; then a layer's own bias belongs to the adapter. */
  readonly bias: string;
  /** target_modules as stored: a list or one expression; null where there is neither. */
  readonly targets: readonly string[] | string | null;
  /** The plain list of target_modules; null where it is a regular expression or other fields narrow it. */
  readonly targetModules: readonly string[] | null;
  /** Whether the adapter was told to leave layers out (layers_to_transform). */
  readonly someLayers: boolean;
  readonly modulesToSave: readonly string[];
  /** ensure_weight_tying: a head that is tied to the embedding follows changes of it. */
  readonly tiesWeights: boolean;
  /** The fields that are set and make it more than, or something other than, a plain LoRA. */
  readonly changes: readonly ChangingField[];
  /** The initialisation that changed the base before training, according to the config; null where none did. */
  readonly changedBase: string | null;
  /** target_parameters: paths of parameters that have factors of their own. */
  readonly targetParameters: readonly string[];
  /** trainable_token_indices by the embedding's name; a plain list, for the input embedding, is under "". */
  readonly tokenIndices: ReadonlyMap<string, readonly number[]>;
  /** alora_invocation_tokens: the tokens after which an activated LoRA acts; empty for others. */
  readonly invocationTokens: readonly number[];
  /** Fields that are set and that lora-lego does not know; they are reported and never copied. */
  readonly unknownFields: readonly string[];
}

/** Fields that, when set, make an adapter something other than a plain LoRA. */
export const CHANGING_FIELDS = [
  "use_dora",
  "lora_bias",
  "use_qalora",
  "use_bdlora",
  "enable_lora",
  "layer_replication",
  "alora_invocation_tokens",
  "target_parameters",
  "trainable_token_indices",
  "arrow_config",
  "velora_config",
  "monteclora_config",
  "kasa_config",
] as const;

/** A field of `CHANGING_FIELDS`. */
export type ChangingField = (typeof CHANGING_FIELDS)[number];

/** The boolean ones. */
const FLAGS = ["use_dora", "lora_bias", "use_qalora"];

/** Initialisations that train against a changed base, so the file is not relative to the base it names. */
const CHANGED_BASE = /^(pissa|olora|corda|loftq|lora_ga)/i;

const KNOWN = new Set([
  ...CHANGING_FIELDS,
  ..."peft_type base_model_name_or_path task_type r lora_alpha rank_pattern alpha_pattern use_rslora".split(" "),
  ..."fan_in_fan_out target_modules exclude_modules layers_to_transform layers_pattern modules_to_save".split(" "),
  ..."init_lora_weights auto_mapping bias inference_mode lora_dropout revision peft_version".split(" "),
  ..."megatron_config megatron_core loftq_config eva_config corda_config lora_ga_config qalora_group_size".split(" "),
  ..."ensure_weight_tying runtime_config merge_weights".split(" "),
]);

/** Parse the text of an adapter_config.json. @throws FormatError when it does not hold a JSON object */
export function parsePeftFields(text: string, where: string): JsonObject {
  const fields = parseStrictJson(text, where);
  if (isJsonObject(fields)) return fields;
  throw new FormatError(
    `${where} does not hold a JSON object; use the ${CONFIG_FILE} that PEFT saved with the adapter.`,
  );
}

/** peft_type, the method that an adapter was trained with. @throws RefusedError where the config has none */
export function peftMethod(fields: JsonObject, where: string): string {
  const kind = fields.peft_type;
  if (typeof kind === "string") return kind;
  const got = kind === undefined ? "no peft_type" : `peft_type ${showJson(kind)}`;
  throw new RefusedError(
    `${where} has ${got}, but lora-lego merges LoRA adapters only (peft_type "LORA"); pass the adapter_config.json that PEFT saved.`,
  );
}

/** The base model that a config of any method names; null where it names none. */
export function baseModelOf(fields: Readonly<Record<string, unknown>>): string | null {
  const model = fields.base_model_name_or_path;
  return typeof model === "string" ? model : null;
}

/**
 * Read the adapter_config.json of a PEFT LoRA adapter.
 *
 * @param fields of a config whose peft_type is LORA
 * @param where what messages call the file
 * @throws FormatError when target_modules is missing or a field has the wrong type
 */
export function parsePeftConfig(fields: JsonObject, where: string): PeftConfig {
  if (fields.target_modules === undefined && !isSet(fields.target_parameters)) {
    throw new FormatError(
      `${where} has no target_modules, which every PEFT LoRA config has; use the adapter's own config.`,
    );
  }
  return parseLoraFields(fields, where);
}

/** Read a LoraConfig's fields, where target_modules may be missing. @throws FormatError for a field of the wrong type */
export function parseLoraFields(fields: JsonObject, where: string): PeftConfig {
  const changes = CHANGING_FIELDS.filter((field) => isSet(fields[field]));
  for (const field of changes) {
    if (FLAGS.includes(field) && ["string", "number"].includes(typeof fields[field])) {
      throw new FormatError(`${where}: ${field} is ${showJson(fields[field])}, but must be true or false; correct it.`);
    }
  }
  const init = fields.init_lora_weights;
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
    bias: read.text("bias") ?? "none",
    targets: typeof targets === "string" ? targets : Array.isArray(targets) ? read.texts("target_modules") : null,
    targetModules:
      Array.isArray(targets) && !isSet(fields.layers_to_transform) && !isSet(fields.exclude_modules)
        ? read.texts("target_modules")
        : null,
    someLayers: isSet(fields.layers_to_transform),
    modulesToSave: read.texts("modules_to_save"),
    tiesWeights: read.flag("ensure_weight_tying"),
    changes,
    changedBase: typeof init === "string" && CHANGED_BASE.test(init) ? showJson(init) : null,
    targetParameters: Array.isArray(fields.target_parameters) ? read.texts("target_parameters") : [],
    tokenIndices: read.tokenIndices(),
    invocationTokens: read.tokens("alora_invocation_tokens"),
    unknownFields: Object.keys(fields).filter(
      (field) => !KNOWN.has(field) && isSet(fields[field]) && fields[field] !== 0,
    ),
  };
}

/** Whether a field is set: not absent, null, false or empty. */
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
      if (value !== null && typeof value !== "string") throw wrong(field, "a string or null");
      return value;
    },
    texts(field: string): string[] {
      const value = fields[field] ?? [];
      if (!Array.isArray(value) || value.some((item) => typeof item !== "string"))
        throw wrong(field, "a list of strings");
      return [...new Set(value as string[])];
    },
    tokenIndices(): Map<string, readonly number[]> {
      const field = "trainable_token_indices";
      const value = fields[field] ?? {};
      const lists = Array.isArray(value) ? [["", value] as const] : isJsonObject(value) ? Object.entries(value) : null;
      const whole = (list: JsonValue): list is number[] =>
        Array.isArray(list) && list.every((index) => Number.isSafeInteger(index) && (index as number) >= 0);
      if (lists === null || !lists.every(([, list]) => whole(list))) {
        throw wrong(field, "a list of token ids, or one such list for each embedding");
      }
      return new Map(lists.filter(([, list]) => (list as number[]).length > 0) as [string, number[]][]);
    },
    tokens(field: string): readonly number[] {
      const value = isSet(fields[field]) ? fields[field] : [];
      if (
        !Array.isArray(value) ||
        !value.every((token) => Number.isInteger(token) && (token as number) >= 0 && (token as number) < 2 ** 32)
      )
        throw wrong(field, "a list of token ids or null");
      return value as number[];
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
          `${where}: ${field} has the key ${JSON.stringify(number[0])} among others, so the order of its keys is lost; name that module with its parent, such as to_out.0.`,
        );
      }
      return entries;
    },
  };
}
