import { FormatError, RefusedError } from "../../core/errors.ts";
import { type PeftConfig, parsePeftConfig } from "../../formats/peft-config.ts";
import type { Adapter, AdapterModule, ModuleKind, TensorRef } from "../adapter.ts";
import type { AdapterContents, Dialect } from "../dialect.ts";
import { type FactorKey, pairFactors } from "../factor-pairs.ts";
import { moduleOfFactors } from "../module-of-factors.ts";
import { peftScales } from "../peft-scales.ts";
import { sameTensor } from "../tensor-values.ts";

/** Every key of a PEFT file starts with this. */
const PREFIX = "base_model.model.";
const FACTOR = /^(.+)\.lora_(?:(embedding)_([AB])|([AB])\.weight)$/;

/** The key of a factor in PEFT's dialect. */
export function peftKey(module: { name: string; kind: ModuleKind }, factor: "A" | "B"): string {
  const stem = `${PREFIX}${module.name}.lora_`;
  return module.kind === "embedding" ? `${stem}embedding_${factor}` : `${stem}${factor}.weight`;
}

/**
 * PEFT's dialect: base_model.model.<module>.lora_A.weight (r, in) and .lora_B.weight (out, r), with adapter_config.json beside them.
 */
export const peft: Dialect = {
  id: "peft",
  title: "PEFT",
  recognises: (key) => key.startsWith(PREFIX) || /\.lora_(embedding_)?[AB](\.weight)?$/.test(key),
  async read(contents) {
    const { name, config, files } = contents;
    if (config === null) {
      throw new FormatError(
        `${files[0]!.name} has no adapter_config.json beside it, which holds rank and alpha; add it.`,
      );
    }
    const { adapter, copies } = peftAdapter(contents, parsePeftConfig(config.text, config.where, contents.dora));
    for (const [trained, plain] of copies) {
      if (await sameTensor(files, trained, plain)) continue;
      throw new RefusedError(
        `${name}: ${trained.name} and its copy ${plain.name} differ; remove the one that is not the adapter's.`,
      );
    }
    return adapter;
  },
};

/** An adapter, and the pairs of its tensors that must hold the same bytes. */
interface PeftAdapter {
  readonly adapter: Adapter;
  /** A tensor of modules_to_save and another that is kept under the same name. */
  readonly copies: readonly (readonly [TensorRef, TensorRef])[];
}

function peftAdapter({ name, files, tensors, dora }: AdapterContents, config: PeftConfig): PeftAdapter {
  const { pairs, others } = pairFactors(name, tensors.values(), factorKey, { a: "lora_A", b: "lora_B" });
  const scaleOf = peftScales(name, config);
  const modules = new Map<string, AdapterModule>();
  for (const { path, stored, a, b } of pairs) {
    const module = moduleOfFactors(name, stripPrefix(name, path), stored, a, b);
    modules.set(module.name, { ...module, scale: scaleOf(module) });
  }
  if (modules.size === 0) {
    throw new FormatError(
      `${name} holds no LoRA factors (no key ends in .lora_A.weight); pass the folder of a LoRA adapter.`,
    );
  }
  const magnitudes = new Map<string, TensorRef>();
  const rest = dora ? others.filter((tensor) => !takeMagnitude(name, tensor, magnitudes)) : others;
  const { extras, ignored, copies } = sortExtras(name, rest, config.trainsBiases);
  const adapter: Adapter = {
    name,
    format: "peft",
    files,
    modules,
    extras,
    magnitudes,
    ignored,
    baseModel: config.baseModel,
    taskType: config.taskType,
    fanInFanOut: config.fanInFanOut,
    statedScale: config.alpha / (config.rslora ? Math.sqrt(config.rank) : config.rank),
    targetModules: config.targetModules,
    someLayers: config.someLayers,
    modulesToSave: config.modulesToSave,
    unknownFields: config.unknownFields,
  };
  return { adapter, copies };
}

function factorKey(key: string): FactorKey | null {
  const match = FACTOR.exec(key);
  if (match === null) return null;
  return { path: match[1]!, half: (match[3] ?? match[4]) === "A" ? "a" : "b", embedding: match[2] !== undefined };
}

/** Whether a tensor is a magnitude vector of DoRA, which is put among the others then. */
function takeMagnitude(name: string, tensor: TensorRef, magnitudes: Map<string, TensorRef>): boolean {
  const path = /^(.+)\.lora_magnitude_vector(?:\.weight)?$/.exec(tensor.name)?.[1];
  if (path !== undefined) magnitudes.set(stripPrefix(name, path), tensor);
  return path !== undefined;
}

function stripPrefix(name: string, path: string): string {
  if (!path.startsWith(PREFIX)) {
    throw new RefusedError(
      `${name}: ${path} does not start with ${PREFIX} as PEFT's keys do; save the adapter with PEFT's save_pretrained.`,
    );
  }
  if (path.endsWith(".base_layer")) {
    throw new RefusedError(
      `${name}: ${path} adapts a parameter inside another adapted layer (target_parameters); retrain it on modules.`,
    );
  }
  return path.slice(PREFIX.length);
}

/**
 * Tell the tensors that are saved beside the factors from copies of the base's, and refuse what is neither. The own bias of an adapted
 * layer (base_layer.bias) is a copy unless biases were trained.
 */
function sortExtras(
  name: string,
  tensors: readonly TensorRef[],
  trainsBiases: boolean,
): Pick<Adapter, "extras" | "ignored"> & Pick<PeftAdapter, "copies"> {
  const extras = new Map<string, TensorRef>();
  const ignored: string[] = [];
  const trained: [string, TensorRef][] = [];
  for (const tensor of tensors) {
    const key = tensor.name;
    if (key.includes(".lora_magnitude_vector")) {
      throw new RefusedError(
        `${name} is a DoRA adapter (tensor ${key}), whose magnitudes no sum of low-rank deltas can carry; fuse it into its base model instead.`,
      );
    }
    if (key.endsWith(".lora_B.bias")) {
      throw new RefusedError(
        `${name} trains a bias beside B (tensor ${key}), which a LoRA delta cannot carry; retrain it without lora_bias.`,
      );
    }
    if (/\.lora_[a-z]/i.test(key)) {
      throw new RefusedError(
        `${name}: the tensor ${key} is no part of a plain LoRA adapter; save the adapter with PEFT's save_pretrained.`,
      );
    }
    const ownBias = trainsBiases && key.endsWith(".base_layer.bias");
    if (/\.(original_module|base_layer)\./.test(key) && !ownBias) ignored.push(key);
    else if (key.includes(".modules_to_save.")) trained.push([plainName(key), tensor]);
    else extras.set(key, tensor);
  }
  const copies: [TensorRef, TensorRef][] = [];
  for (const [key, tensor] of trained) {
    const plain = extras.get(key);
    if (plain !== undefined) copies.push([tensor, plain]);
    extras.set(key, tensor);
  }
  return { extras, ignored, copies };
}

/** "classifier.modules_to_save.default.weight" and "classifier.modules_to_save.weight" are both kept as "classifier.weight". */
function plainName(key: string): string {
  return key.replace(/\.modules_to_save(\.default)?\./, ".");
}
