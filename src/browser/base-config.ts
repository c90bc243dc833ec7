import type { Adapter } from "../adapter/adapter.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import { isGgufName } from "../adapter/names/gguf.ts";
import { parseModelConfig } from "../formats/model-config.ts";

/** The model_type of a model's config. @throws FormatError if it is none */
export function modelTypeOf({ text, where }: AdapterText): string {
  return parseModelConfig(text, where).modelType;
}

/** Whether an adapter's modules have llama.cpp's names, which only its base model's config can translate. */
export function needsBase({ modules }: Adapter): boolean {
  return [...modules.keys()].some(isGgufName);
}
