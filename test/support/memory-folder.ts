import type { Adapter } from "../../src/adapter/adapter.ts";
import type { AdapterFolder } from "../../src/adapter/folder.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { type ByteSource, memorySource } from "../../src/core/bytes.ts";
import { bytesOf, type Dtype } from "../../src/core/dtype.ts";
import { FormatError } from "../../src/core/errors.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";

/** A folder's files by their names; a text stands for its UTF-8 bytes. */
export type MemoryFiles = Readonly<Record<string, string | Uint8Array>>;

/** A folder in memory; `wrap` may watch the sources that it opens. */
export function memoryFolder(
  name: string,
  files: MemoryFiles,
  folders: readonly string[] = [],
  wrap: (source: ByteSource) => ByteSource = (source) => source,
): AdapterFolder {
  return {
    name,
    files: Object.keys(files),
    folders,
    async open(file) {
      const content = files[file];
      if (content === undefined) throw new FormatError(`${name}/${file} is missing.`);
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      return wrap(memorySource(`${name}/${file}`, bytes));
    },
  };
}

/** adapter_config.json and adapter_model.safetensors; the config's defaults are a LoRA of r 2 and alpha 4 on "q". */
export function peftFiles(tensors: readonly TensorData[], config: Readonly<Record<string, unknown>> = {}): MemoryFiles {
  const fields = { peft_type: "LORA", r: 2, lora_alpha: 4, target_modules: ["q"], ...config };
  return {
    "adapter_config.json": JSON.stringify(fields),
    "adapter_model.safetensors": encodeSafetensors(tensors, { format: "pt" }),
  };
}

/** Open a PEFT adapter of these tensors. */
export function openPeft(
  tensors: readonly TensorData[],
  config: Readonly<Record<string, unknown>> = {},
  name = "adapter",
): Promise<Adapter> {
  return openAdapter(memoryFolder(name, peftFiles(tensors, config)));
}

/** A tensor whose bytes are all `fill`. */
export function filled(name: string, shape: readonly number[], dtype: Dtype = "F32", fill = 0): TensorData {
  const bytes = shape.reduce((product, size) => product * size, bytesOf(dtype));
  return { name, dtype, shape, data: new Uint8Array(bytes).fill(fill) };
}

/** The key of a tensor of a module, as PEFT writes it. */
export function keyOf(module: string, tensor: string): string {
  return `base_model.model.${module}.${tensor}`;
}

/** Both factors of a linear module, all zero: A (rank, in) and B (out, rank). */
export function linear(module: string, rank = 2, inputs = 3, out = 4, dtype: Dtype = "F32"): TensorData[] {
  return [
    filled(keyOf(module, "lora_A.weight"), [rank, inputs], dtype),
    filled(keyOf(module, "lora_B.weight"), [out, rank], dtype),
  ];
}

/** What a promise is rejected with; fails when it is not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error(`was not rejected with an Error but gave ${error}`);
  return error;
}
