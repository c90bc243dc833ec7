import { FormatError } from "../core/errors.ts";
import { isJsonObject, type JsonObject, parseStrictJson, showJson } from "./json.ts";
import { tiedByDefault } from "./tied-families.ts";

/** What lora-lego needs from a base model's config.json. */
export interface ModelConfig {
  /** model_type, as transformers writes it. */
  readonly modelType: string;
  /** model_type of the whole model, where the language model is one of several parts; else equal to modelType. */
  readonly wholeType: string;
  /** num_attention_heads and num_key_value_heads; null where the config has none. */
  readonly heads: number | null;
  readonly keyValueHeads: number | null;
  /** Whether head and embedding are one tensor: tie_word_embeddings, or the family's default where the config lacks it. */
  readonly tied: boolean;
  /** vocab_size: rows of the embedding; null where the config has none. */
  readonly vocabSize: number | null;
  /** The transformers classes that run the whole model, such as MistralForCausalLM. */
  readonly architectures: readonly string[];
  /** num_hidden_layers, and hidden_size; null where the config has none. */
  readonly layers: number | null;
  readonly hiddenSize: number | null;
  /** Experts per layer, from whichever field the family uses; null where the config has none. */
  readonly experts: number | null;
}

/** What families call the number of experts. */
const EXPERTS = ["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"];

/**
 * Parse a base model's config.json; for models with several parts, the language model's section.
 *
 * @param where what messages call the file
 * @throws FormatError for any other file
 */
export function parseModelConfig(text: string, where: string): ModelConfig {
  const root = parseStrictJson(text, where);
  if (!isJsonObject(root)) throw noConfig(where);
  const nested = root.text_config;
  const fields: JsonObject = isJsonObject(nested) ? { ...root, ...nested } : root;
  const modelType = fields.model_type;
  if (typeof modelType !== "string") throw noConfig(where);
  // For a model of several parts: its own field decides, then its language model's field, then its own family.
  const wholeType = typeof root.model_type === "string" ? root.model_type : modelType;
  const heads = count(fields, "num_attention_heads", where) ?? count(fields, "n_head", where);
  const experts = EXPERTS.map((field) => count(fields, field, where)).find((found) => found !== null) ?? null;
  return {
    modelType,
    wholeType,
    heads,
    keyValueHeads: count(fields, "num_key_value_heads", where) ?? heads,
    tied: tiedBy(root, where) ?? tiedBy(fields, where) ?? tiedByDefault(wholeType),
    vocabSize: count(fields, "vocab_size", where),
    architectures: Array.isArray(root.architectures)
      ? root.architectures.filter((name) => typeof name === "string")
      : [],
    layers: count(fields, "num_hidden_layers", where) ?? count(fields, "n_layer", where),
    hiddenSize: count(fields, "hidden_size", where) ?? count(fields, "n_embd", where),
    experts,
  };
}

function tiedBy({ tie_word_embeddings: value = null }: JsonObject, where: string): boolean | null {
  if (value === null || typeof value === "boolean") return value;
  throw new FormatError(
    `${where}: tie_word_embeddings is ${showJson(value)}, but must be true or false; use the model's own config.json.`,
  );
}

function count(fields: JsonObject, field: string, where: string): number | null {
  const value = fields[field] ?? null;
  if (value === null) return null;
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new FormatError(
    `${where}: ${field} is ${showJson(value)}, but must be a whole number above 0; use the model's own config.json.`,
  );
}

function noConfig(where: string): FormatError {
  return new FormatError(
    `${where} has no model_type, which every model's config.json has; pass the base model's config.json.`,
  );
}
