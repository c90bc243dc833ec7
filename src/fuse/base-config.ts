import { FormatError } from "../core/errors.ts";
import { isJsonObject, parseStrictJson } from "../formats/json.ts";
import { parseModelConfig } from "../formats/model-config.ts";

/** What fusing needs from a base model's config.json. */
export interface BaseConfig {
  readonly text: string;
  /** What messages call the file. */
  readonly where: string;
  readonly modelType: string | null;
  /** num_hidden_layers; null where the config has none. */
  readonly layers: number | null;
  /** Whether head and embedding are one tensor. */
  readonly tied: boolean;
  /** Whether the model has an encoder and a decoder, which may share more than the head. */
  readonly encoderDecoder: boolean;
  /** Whether the model outputs tokens: all but classifiers and bare bodies, according to `architectures`. */
  readonly headed: boolean;
  /** The class, for a part of an image pipeline; null for other models. */
  readonly className: string | null;
}

/** Classes without a head over the vocabulary: classifiers and bare bodies (Qwen2Model; but chat models have "Chat" in the name). */
const HEADLESS = /For(\w*Classification|QuestionAnswering|MultipleChoice)$|^(?!.*(Chat|LMHead)).*Model$/;

/**
 * Read a model's config.json; parts of image pipelines have one without a model_type.
 *
 * @throws FormatError for any other file
 */
export function parseBaseConfig(text: string, where: string): BaseConfig {
  const fields = parseStrictJson(text, where);
  if (!isJsonObject(fields)) {
    throw new FormatError(`${where} does not hold a JSON object; use the model's own config.json.`);
  }
  const { architectures } = fields;
  const known = "model_type" in fields ? parseModelConfig(text, where) : null;
  return {
    text,
    where,
    modelType: known?.modelType ?? null,
    layers: known?.layers ?? null,
    tied: known?.tied ?? false,
    encoderDecoder: fields.is_encoder_decoder === true,
    className: typeof fields._class_name === "string" ? fields._class_name : null,
    headed:
      !Array.isArray(architectures) ||
      architectures.length === 0 ||
      !architectures.every((name) => HEADLESS.test(String(name))),
  };
}
