import { ggufExpert, ggufFamilyOf, ggufName, ggufStack, isGgufName, moduleOfGguf } from "../adapter/names/gguf.ts";
import { GGUF_FAMILIES, type GgufFamily } from "../adapter/names/gguf-families.ts";
import { isHeadName } from "../adapter/names/vocabulary.ts";
import { isFactorDtype } from "../core/elements.ts";
import type { GgufHeader } from "../formats/gguf/header.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import { isExpertParameter } from "../formats/peft-folder/parameters.ts";
import type { BaseModel } from "../fuse/base-model.ts";

/** The stored shape of a weight, row-major; null if it is quantized, because its shape then differs from the layer's. */
export type StoredShape = readonly number[] | null;

/** What is known of a base model: its config, its weights' headers, or both. */
export interface BaseFacts {
  /** Its name in messages. */
  readonly name: string;
  readonly config: ModelConfig | null;
  /** The shape of each module's weight, by the module's name in the file; null if no weights were read. */
  readonly modules: ReadonlyMap<string, StoredShape> | null;
  /** The naming scheme of the modules. */
  readonly naming: "transformers" | "gguf";
  /** The family with llama.cpp's names; null if it is unknown. */
  readonly family: GgufFamily | null;
  /** Whether head and embedding are one tensor; null if neither config nor weights show it. */
  readonly tied: boolean | null;
}

/** The facts that config.json alone gives. */
export function configFacts(name: string, config: ModelConfig): BaseFacts {
  return { name, config, modules: null, naming: "transformers", family: ggufFamilyOf(config), tied: config.tied };
}

/** The facts from the headers of a safetensors model, and from its config if it has one. */
export function modelFacts({ name, tensors }: BaseModel, config: ModelConfig | null): BaseFacts {
  const modules = new Map<string, StoredShape>();
  for (const { name: key, dtype, shape } of tensors.values()) {
    const plain = key.endsWith(".weight");
    if (plain) modules.set(key.slice(0, -".weight".length), isFactorDtype(dtype) ? shape : null);
    else if (key.endsWith(".qweight")) modules.set(key.slice(0, -".qweight".length), null);
    // Parameters of all experts have no .weight.
    else if (shape.length === 3 || isExpertParameter(key.slice(key.lastIndexOf(".") + 1))) modules.set(key, shape);
  }
  const family = config === null ? null : ggufFamilyOf(config);
  // A tied head is not stored. A missing head may be tied, or the file may be part of a model.
  const headed = [...modules.keys()].some(isHeadName);
  return { name, config, modules, naming: "transformers", family, tied: config?.tied ?? (headed ? false : null) };
}

/** The facts from the header of a GGUF model. */
export function ggufFacts(name: string, { metadata, tensors }: GgufHeader): BaseFacts {
  const architecture = metadata.get("general.architecture");
  const modules = new Map<string, StoredShape>();
  for (const [key, { shape }] of tensors) {
    if (key.endsWith(".weight")) modules.set(key.slice(0, -".weight".length), shape);
  }
  const family = GGUF_FAMILIES.find((known) => known.architecture === architecture) ?? null;
  return { name, config: null, modules, naming: "gguf", family, tied: !modules.has("output") };
}

/** A module's name in llama.cpp for the base's family; unchanged if it is llama.cpp's already. */
export function inGguf({ family }: BaseFacts, module: string): string | null {
  if (isGgufName(module)) return module;
  return family === null ? null : ggufName(family, module);
}

/** The tensor of all experts of a layer that holds an expert's module; null for other modules. */
export function stackInGguf({ family }: BaseFacts, module: string): string | null {
  return (ggufExpert(module) ?? (family === null ? null : ggufStack(family, module)))?.stack ?? null;
}

/** A module's name in transformers; unchanged if it is that already. */
export function inTransformers({ family }: BaseFacts, module: string): string | null {
  if (!isGgufName(module)) return module;
  return family === null ? null : moduleOfGguf(family, module);
}
