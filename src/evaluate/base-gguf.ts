import type { TensorRef } from "../adapter/adapter.ts";
import { ggufFamilyOf, ggufName } from "../adapter/names/gguf.ts";
import type { GgufFamily } from "../adapter/names/gguf-families.ts";
import { headOrder } from "../adapter/names/head-rows.ts";
import { readNumbers } from "../adapter/tensor-values.ts";
import type { ByteSink } from "../core/bytes.ts";
import { bytesOf } from "../core/dtype.ts";
import { isFactorDtype } from "../core/elements.ts";
import { FormatError, RefusedError } from "../core/errors.ts";
import { type GgufLayout, layoutGguf } from "../formats/gguf/layout.ts";
import { isJsonObject, type JsonObject, parseStrictJson, showJson } from "../formats/json.ts";
import { parseModelConfig } from "../formats/model-config.ts";
import { type BaseModel, filesOf } from "../fuse/base-model.ts";
import { isConv1d } from "../fuse/conv1d.ts";
import { MODEL_FAMILIES, type ModelFamily } from "./model-families.ts";
import { tokenizerFields } from "./tokenizer-fields.ts";

/** Buffers that old checkpoints store next to the weights. */
const BUFFERS = /(\.attn\.(masked_)?bias|rotary_emb\.inv_freq)$/;
/** Elements decoded at once. */
const SLAB = 1 << 20;

/** How one tensor of a model is written. */
interface BaseTensor {
  readonly name: string;
  readonly from: TensorRef;
  /** llama.cpp's order of rows: entry i is the row that becomes row i; null where they stay. */
  readonly order: Int32Array | null;
  /** Stored as (in, out). */
  readonly transposed: boolean;
}

/** A whole model as a GGUF file to be written. */
export interface BaseGguf {
  readonly layout: GgufLayout;
  readonly tensors: readonly BaseTensor[];
}

/**
 * Plan the GGUF file of a whole model, every weight in f32, so llama.cpp computes with exactly the values that the model stores.
 * Families: llama, mistral, qwen2 and gpt2 with a byte-level BPE tokenizer.
 *
 * @throws RefusedError for other models, and for settings that would be lost, FormatError where tensors are missing or do not fit
 */
export function planBaseGguf(model: BaseModel, config: string, tokenizer: string): BaseGguf {
  const where = `${model.name}/config.json`;
  const parsed = parseModelConfig(config, where);
  const { modelType } = parsed;
  const names = ggufFamilyOf(parsed);
  const family = MODEL_FAMILIES.find(({ architecture }) => architecture === names?.architecture);
  if (names === null || family === undefined) {
    throw new RefusedError(
      `${where}: lora-lego does not convert whole models of model_type ${modelType} (only of ${MODEL_FAMILIES.map(({ architecture }) => architecture).join(", ")}); write the GGUF file with llama.cpp's convert_hf_to_gguf.`,
    );
  }
  const fields = parseStrictJson(config, where) as JsonObject;
  refuseUnknownMeaning(family, fields, where);
  const tied = fields.tie_word_embeddings ?? family.tiedByDefault;
  if (tied === false && !model.tensors.has("lm_head.weight")) {
    throw new FormatError(
      `${model.name} has no lm_head.weight, though its config.json does not tie the output to the embeddings; pass the folder of a whole model.`,
    );
  }
  const tensors = [...model.tensors.values()].flatMap((from): BaseTensor[] => {
    if (BUFFERS.test(from.name) || (tied === true && from.name === "lm_head.weight")) return [];
    const { module, parameter, stem } = namesOf(model.name, family, names, from);
    const order = headOrder(names, parsed, stem, from.shape[0]!, `${model.name}: ${from.name}`);
    const transposed = parameter === "weight" && isConv1d(module, modelType);
    return [{ name: `${stem}.${parameter}`, from, order, transposed }];
  });
  const embedding = tensors.find(({ name }) => name === "token_embd.weight");
  if (embedding === undefined) {
    throw new FormatError(`${model.name} has no tensor of input embeddings; pass the folder of a whole model.`);
  }
  const number = (name: string, otherwise?: number): number => numberOf(fields, name, where, otherwise);
  const hyper = Object.entries(family.hyperParameters(number, fields));
  const layout = layoutGguf(
    [
      ["general.architecture", family.architecture],
      ["general.name", model.name],
      ...hyper.map(([key, value]) => [`${family.architecture}.${key}`, value] as const),
      ...tokenizerFields(tokenizer, `${model.name}/tokenizer.json`, embedding.from.shape[0]!, fields),
    ],
    tensors.map(({ name, from, transposed }) => ({
      name,
      dtype: "F32",
      shape: transposed ? from.shape.toReversed() : from.shape,
    })),
  );
  return { layout, tensors };
}

/** Write the file, one tensor at a time. */
export async function writeBaseGguf(model: BaseModel, { layout, tensors }: BaseGguf, sink: ByteSink): Promise<void> {
  await sink.write(0, layout.header);
  for (const tensor of tensors) {
    const values = await floatsOf(model, tensor.from);
    const placed = inPlace(values, tensor);
    await sink.write(layout.tensors.get(tensor.name)!.begin, new Uint8Array(placed.buffer));
  }
}

function namesOf(
  name: string,
  family: ModelFamily,
  names: GgufFamily,
  { name: key, dtype }: TensorRef,
): { module: string; parameter: string; stem: string } {
  const dot = key.lastIndexOf(".");
  const parameter = key.slice(dot + 1);
  const bare = key.slice(0, dot);
  for (const module of [bare, `transformer.${bare}`]) {
    const stem = ggufName(names, module) ?? normName(family, names, module);
    if (stem !== null && isFactorDtype(dtype) && (parameter === "weight" || parameter === "bias")) {
      return { module, parameter, stem };
    }
  }
  throw new RefusedError(
    `${name}: ${key} (${dtype}) has no place in a GGUF file of ${family.architecture}; write the file with llama.cpp's convert_hf_to_gguf.`,
  );
}

function normName({ layerNorms, norms }: ModelFamily, { layers }: GgufFamily, module: string): string | null {
  if (norms[module] !== undefined) return norms[module];
  if (!module.startsWith(`${layers}.`)) return null;
  const [layer, norm] = module.slice(layers.length + 1).split(".");
  const stem = layerNorms[norm ?? ""];
  return stem === undefined ? null : `blk.${layer}.${stem}`;
}

function refuseUnknownMeaning(family: ModelFamily, fields: JsonObject, where: string): void {
  for (const [field, known] of Object.entries(family.only)) {
    if (fields[field] === undefined || known.includes(fields[field])) continue;
    throw new RefusedError(
      `${where}: ${field} is ${showJson(fields[field])}, which lora-lego does not convert; write the GGUF file with llama.cpp's convert_hf_to_gguf.`,
    );
  }
  const rope = fields.rope_parameters;
  if (isJsonObject(rope) && rope.rope_type !== undefined && rope.rope_type !== "default") {
    throw new RefusedError(
      `${where}: rope_type is ${showJson(rope.rope_type)}, which lora-lego does not convert; write the GGUF file with llama.cpp's convert_hf_to_gguf.`,
    );
  }
}

function numberOf(fields: JsonObject, name: string, where: string, otherwise: number | undefined): number {
  const value = fields[name] ?? otherwise;
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw new FormatError(
    `${where}: ${name} is ${showJson(fields[name])}, but must be a number above 0; use the model's own config.json.`,
  );
}

async function floatsOf(model: BaseModel, tensor: TensorRef): Promise<Float32Array> {
  const bytes = bytesOf(tensor.dtype);
  const values = new Float32Array((tensor.end - tensor.begin) / bytes);
  for (let from = 0; from < values.length; from += SLAB) {
    const begin = tensor.begin + from * bytes;
    const end = Math.min(tensor.end, begin + SLAB * bytes);
    values.set(await readNumbers(model.name, filesOf(model), { ...tensor, begin, end }), from);
  }
  return values;
}

function inPlace(values: Float32Array, { from, order, transposed }: BaseTensor): Float32Array {
  const [rows = 1, columns = 1] = from.shape;
  if (transposed) {
    const out = new Float32Array(values.length);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j]!;
    return out;
  }
  if (order === null) return values;
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) out.set(values.subarray(order[i]! * columns, (order[i]! + 1) * columns), i * columns);
  return out;
}
