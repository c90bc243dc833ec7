import { GGUF_FAMILIES, type GgufFamily, ggufName, isGgufName, moduleOfGguf } from "../adapter/names/gguf.ts";
import { isHeadName } from "../adapter/names/vocabulary.ts";
import { isFactorDtype } from "../core/dtype.ts";
import type { GgufHeader } from "../formats/gguf/header.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { BaseModel } from "../fuse/base-model.ts";

/** The shape of a weight as it is stored, row-major; null where it is quantized, so that its shape is not the layer's. */
export type StoredShape = readonly number[] | null;

/** What is known of a base model: its config, its weights' headers, or both. */
export interface BaseFacts {
  /** What messages call it. */
  readonly name: string;
  readonly config: ModelConfig | null;
  /** The shape of each module's weight, by the module's name in the file; null where no weights were looked at. */
  readonly modules: ReadonlyMap<string, StoredShape> | null;
  /** Whose names the modules have. */
  readonly naming: "transformers" | "gguf";
  /** How llama.cpp calls them; null where its family is not known. */
  readonly family: GgufFamily | null;
  /** Whether the head is the embedding's tensor; null where neither config nor weights tell. */
  readonly tied: boolean | null;
}

/** What config.json alone tells. */
export function configFacts(name: string, config: ModelConfig): BaseFacts {
  return { name, config, modules: null, naming: "transformers", family: familyOf(config), tied: config.tied };
}

/** What the headers of a model in safetensors tell, with its config where it has one. */
export function modelFacts({ name, tensors }: BaseModel, config: ModelConfig | null): BaseFacts {
  const modules = new Map<string, StoredShape>();
  for (const { name: key, dtype, shape } of tensors.values()) {
    const plain = key.endsWith(".weight");
    if (plain) modules.set(key.slice(0, -".weight".length), isFactorDtype(dtype) ? shape : null);
    else if (key.endsWith(".qweight")) modules.set(key.slice(0, -".qweight".length), null);
    // Experts stacked into one parameter have no .weight.
    else if (shape.length === 3) modules.set(key, shape);
  }
  const family = config === null ? null : familyOf(config);
  // A tied head is not stored; one that is missing may be tied, or the file may be a part of a model.
  const headed = [...modules.keys()].some(isHeadName);
  return { name, config, modules, naming: "transformers", family, tied: config?.tied ?? (headed ? false : null) };
}

/** What the header of a GGUF model tells. */
export function ggufFacts(name: string, { metadata, tensors }: GgufHeader): BaseFacts {
  const architecture = metadata.get("general.architecture");
  const modules = new Map<string, StoredShape>();
  for (const [key, { shape }] of tensors) {
    if (key.endsWith(".weight")) modules.set(key.slice(0, -".weight".length), shape);
  }
  const family = GGUF_FAMILIES.find((known) => known.architecture === architecture) ?? null;
  return { name, config: null, modules, naming: "gguf", family, tied: !modules.has("output") };
}

function familyOf({ modelType }: ModelConfig): GgufFamily | null {
  return GGUF_FAMILIES.find(({ modelTypes }) => modelTypes.includes(modelType)) ?? null;
}

/** A module's name in llama.cpp as the base's family has it; the name itself where it is llama.cpp's already. */
export function inGguf({ family }: BaseFacts, module: string): string | null {
  if (isGgufName(module)) return module;
  return family === null ? null : ggufName(family, module);
}

/** A module's name in transformers; the name itself where it is that already. */
export function inTransformers({ family }: BaseFacts, module: string): string | null {
  if (!isGgufName(module)) return module;
  return family === null ? null : moduleOfGguf(family, module);
}
