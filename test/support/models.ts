import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { type BaseModel, openModel } from "../../src/fuse/base-model.ts";
import { memoryFolder } from "./memory-folder.ts";
import { encodeTensor, type Nested } from "./pico.ts";

type Tensors = Readonly<Record<string, Nested>>;
type Float = "F32" | "F16" | "BF16";

/** A model's files by their names: one, or shards with an index where several parts are given. */
export function modelFiles(parts: readonly Tensors[], dtype: Float = "F32"): Record<string, Uint8Array> {
  const encode = (tensors: Tensors): Uint8Array =>
    encodeSafetensors(
      Object.entries(tensors).map(([name, values]) => encodeTensor(name, values, dtype)),
      { format: "pt" },
    );
  if (parts.length === 1) return { "model.safetensors": encode(parts[0]!) };
  const name = (i: number): string => `model-0000${i + 1}-of-0000${parts.length}.safetensors`;
  const map = Object.fromEntries(parts.flatMap((part, i) => Object.keys(part).map((key) => [key, name(i)])));
  const index = new TextEncoder().encode(JSON.stringify({ metadata: {}, weight_map: map }));
  return {
    "model.safetensors.index.json": index,
    ...Object.fromEntries(parts.map((part, i) => [name(i), encode(part)])),
  };
}

/** Open a model from memory. */
export function openPicoModel(...parts: readonly Tensors[]): Promise<BaseModel> {
  return openModel(memoryFolder("base", modelFiles(parts)));
}

/** Open a model of one file from memory, in another element type. */
export function openTypedModel(dtype: Float, tensors: Tensors): Promise<BaseModel> {
  return openModel(memoryFolder("base", modelFiles([tensors], dtype)));
}

/** Write a model's files into a folder, made if need be, and a config beside them. @returns the folder */
export function writeModel(folder: string, parts: readonly Tensors[], dtype: Float = "F32"): string {
  mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of Object.entries(modelFiles(parts, dtype))) writeFileSync(join(folder, file), bytes);
  writeFileSync(join(folder, "config.json"), '{"model_type":"pico"}');
  return folder;
}
