import { FormatError, RefusedError } from "../core/errors.ts";
import { isJsonObject, parseStrictJson, showJson } from "./json.ts";
import { CONFIG_FILE } from "./peft-folder/files.ts";

/** What a merge needs of the adapter_config.json that mlx-lm writes. */
export interface MlxConfig {
  readonly rank: number;
  /** Multiplies the product of the factors directly. */
  readonly scale: number;
  readonly baseModel: string | null;
  /** Whether only the last layers were trained (num_layers above 0). */
  readonly someLayers: boolean;
  /** Whether it is DoRA, with a magnitude for each pair of factors. */
  readonly dora: boolean;
}

/**
 * Parse adapter_config.json of an mlx-lm LoRA adapter.
 *
 * @param where what messages call the file
 * @throws FormatError for any other file, RefusedError for full fine-tunes
 */
export function parseMlxConfig(text: string, where: string): MlxConfig {
  const fields = parseStrictJson(text, where);
  const lora = isJsonObject(fields) ? fields.lora_parameters : undefined;
  if (!isJsonObject(fields) || !isJsonObject(lora)) {
    throw new FormatError(
      `${where} has no lora_parameters, where mlx-lm writes rank and scale; use the ${CONFIG_FILE} that was saved with the adapter.`,
    );
  }
  const kind = fields.fine_tune_type ?? (fields.use_dora === true ? "dora" : "lora");
  if (kind !== "lora" && kind !== "dora") {
    throw new RefusedError(
      `${where} has fine_tune_type ${showJson(kind)}, but lora-lego reads adapters only (fine_tune_type "lora" or "dora").`,
    );
  }
  const number = (field: string): number => {
    const value = lora[field];
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw new FormatError(
      `${where}: lora_parameters.${field} is ${showJson(value)}, but must be a finite number; correct it.`,
    );
  };
  const layers = fields.num_layers ?? fields.lora_layers;
  return {
    rank: number("rank"),
    scale: number("scale"),
    dora: kind === "dora",
    baseModel: typeof fields.model === "string" ? fields.model : null,
    someLayers: typeof layers === "number" && layers > 0,
  };
}
