import type { ByteSource } from "../core/bytes.ts";
import { isFactorDtype } from "../core/dtype.ts";
import { FormatError, RefusedError } from "../core/errors.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import type { PeftConfig } from "../formats/peft-config.ts";
import type { Adapter, AdapterModule, ModuleKind, TensorRef } from "./adapter.ts";
import { patternLookup } from "./pattern.ts";

/** Every key of a PEFT file starts with this. */
const PREFIX = "base_model.model.";
const FACTOR = /^(.+)\.lora_(?:(embedding)_([AB])|([AB])\.weight)$/;

/** The key of a factor in PEFT's dialect. */
export function peftKey(module: { name: string; kind: ModuleKind }, factor: "A" | "B"): string {
  const stem = `${PREFIX}${module.name}.lora_`;
  return module.kind === "embedding" ? `${stem}embedding_${factor}` : `${stem}${factor}.weight`;
}

/** An adapter, and the pairs of its tensors that must hold the same bytes. */
export interface PeftAdapter {
  readonly adapter: Adapter;
  /** A tensor of modules_to_save and another that is kept under the same name. */
  readonly copies: readonly (readonly [TensorRef, TensorRef])[];
}

/**
 * Read a PEFT adapter from its config and its tensors' headers: modules from the keys, scales through rank_pattern,
 * alpha_pattern and rsLoRA (alpha / r, or alpha / sqrt(r)).
 *
 * @throws FormatError when keys and shapes contradict each other or the config; RefusedError for variants that are not plain LoRA
 */
export function peftAdapter(
  name: string,
  config: PeftConfig,
  files: readonly ByteSource[],
  tensors: ReadonlyMap<string, TensorRef>,
): PeftAdapter {
  const halves = new Map<string, { kind: "linear" | "embedding"; a?: TensorRef; b?: TensorRef }>();
  const others: TensorRef[] = [];
  for (const tensor of tensors.values()) {
    const match = FACTOR.exec(tensor.name);
    if (match === null) {
      others.push(tensor);
      continue;
    }
    const path = match[1]!;
    const kind = match[2] ? "embedding" : "linear";
    const module = halves.get(path) ?? { kind };
    if (module.kind !== kind) {
      throw new FormatError(
        `${name}: ${path} has both linear and embedding factors (${tensor.name} is one); save the adapter again.`,
      );
    }
    halves.set(path, module);
    if ((match[3] ?? match[4]) === "A") module.a = tensor;
    else module.b = tensor;
  }
  const rankOf = patternLookup(config.rankPattern, config.rank, `${name}: rank_pattern`);
  const alphaOf = patternLookup(config.alphaPattern, config.alpha, `${name}: alpha_pattern`);
  const modules = new Map<string, AdapterModule>();
  for (const [path, { kind, a, b }] of halves) {
    if (a === undefined || b === undefined) {
      const [has, lacks] = a === undefined ? ["B", "A"] : ["A", "B"];
      throw new FormatError(
        `${name}: ${path} has lora_${has} but no lora_${lacks}; the file is incomplete, save or copy it again.`,
      );
    }
    const module = readModule(name, stripPrefix(name, path), kind, a, b);
    const rank = rankOf(module.name);
    const alpha = alphaOf(module.name);
    if (rank !== module.rank) {
      throw new FormatError(
        `${name}: the config gives ${module.name} rank ${rank}, but its tensor ${a.name} has shape ${formatShape(a.shape)}; pass the config that was saved with these weights.`,
      );
    }
    // + 0 turns -0, which JSON does not carry, into 0.
    modules.set(module.name, { ...module, scale: alpha / (config.rslora ? Math.sqrt(rank) : rank) + 0 });
  }
  if (modules.size === 0) {
    throw new FormatError(
      `${name} holds no LoRA factors (no key ends in .lora_A.weight); pass the folder of a LoRA adapter.`,
    );
  }
  const { extras, ignored, copies } = sortExtras(name, others, config.trainsBiases);
  const adapter: Adapter = {
    name,
    format: "peft",
    files,
    modules,
    extras,
    ignored,
    baseModel: config.baseModel,
    taskType: config.taskType,
    fanInFanOut: config.fanInFanOut,
    targetModules: config.targetModules,
    someLayers: config.someLayers,
    modulesToSave: config.modulesToSave,
    unknownFields: config.unknownFields,
  };
  return { adapter, copies };
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

/** A module without its scale, from the shapes of its two factors. */
function readModule(
  name: string,
  path: string,
  stored: "linear" | "embedding",
  a: TensorRef,
  b: TensorRef,
): Omit<AdapterModule, "scale"> {
  const both = `A is ${formatShape(a.shape)}, B is ${formatShape(b.shape)}`;
  for (const { dtype, name: key } of [a, b]) {
    if (!isFactorDtype(dtype)) {
      throw new RefusedError(
        `${name}: ${key} is stored as ${dtype}, which is no floating-point type; save the adapter in f32, f16 or bf16.`,
      );
    }
  }
  if (a.shape.length === 2 && b.shape.length === 3) {
    throw new RefusedError(
      `${name}: ${path} has a grouped B (${both}), as MergedLinear adapters of 2023 have, so B A is undefined; retrain it with today's PEFT.`,
    );
  }
  const dims = a.shape.length;
  const odd = stored === "embedding" ? dims !== 2 : dims < 2;
  if (odd || dims !== b.shape.length || b.shape.slice(2).some((size) => size !== 1)) {
    throw new FormatError(
      `${name}: ${path} has factors that no LoRA layer has (${both}); expected A (r, in) and B (out, r).`,
    );
  }
  const rank = a.shape[0]!;
  if (rank !== b.shape[1]) {
    throw new FormatError(
      `${name}: the factors of ${path} differ in rank (${both}); expected A (r, in) and B (out, r).`,
    );
  }
  if (elementCount(a.shape) === 0 || elementCount(b.shape) === 0) {
    throw new FormatError(`${name}: the factors of ${path} are empty (${both}); save the adapter again.`);
  }
  return {
    name: path,
    kind: a.shape.length > 2 ? "conv" : stored,
    in: elementCount(a.shape.slice(1)),
    out: b.shape[0]!,
    inputShape: a.shape.slice(1),
    rank,
    a: a as AdapterModule["a"],
    b: b as AdapterModule["b"],
  };
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
