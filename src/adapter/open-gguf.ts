import type { ByteSource } from "../core/bytes.ts";
import { RefusedError } from "../core/errors.ts";
import { type GgufTensor, readGguf } from "../formats/gguf/header.ts";
import { decodeQ8 } from "../formats/gguf/q8.ts";
import type { GgufValue } from "../formats/gguf/types.ts";
import type { AdapterContents } from "./dialect.ts";
import { heldTensor } from "./held-tensor.ts";
import type { TensorRef } from "./read-adapter.ts";

/**
 * Open a GGUF file of a LoRA adapter. Tensors in Q8_0 are decoded and held in memory as f32.
 *
 * @throws RefusedError for a model, adapters other than LoRA, and element types that are not read
 */
export async function openGguf(source: ByteSource): Promise<Pick<AdapterContents, "files" | "tensors" | "metadata">> {
  const header = await readGguf(source);
  const type = header.metadata.get("general.type");
  const kind = header.metadata.get("adapter.type");
  if (type !== "adapter" || kind !== "lora") {
    if (type === undefined || type === "model") {
      throw new RefusedError(
        `${source.name} is a base model according to its metadata, not an adapter; pass the adapters, and this one with --base where a command takes it.`,
      );
    }
    const what = type === "adapter" ? `an adapter of type ${String(kind)}` : `a ${String(type)}`;
    throw new RefusedError(
      `${source.name} is ${what} according to its metadata, not a LoRA adapter; pass the adapter's own file.`,
    );
  }
  const files = [source];
  const tensors = new Map<string, TensorRef>();
  for (const [name, tensor] of header.tensors) tensors.set(name, await placed(files, name, tensor));
  const texts = Array.from(header.metadata, ([key, value]) => [key, textOf(value)] as const);
  return { files, tensors, metadata: new Map(texts) };
}

/** A value as text; arrays as JSON. */
function textOf(value: GgufValue): string {
  return Array.isArray(value) ? `[${value.map(textOf).join()}]` : String(value);
}

async function placed(files: ByteSource[], name: string, { type, shape, begin, end }: GgufTensor): Promise<TensorRef> {
  if (type.dtype !== null) return { name, file: 0, dtype: type.dtype, shape, begin, end };
  if (type.name !== "Q8_0") {
    throw new RefusedError(
      `${files[0]!.name}: ${name} is quantized to ${type.name}, which lora-lego does not read; convert the adapter again with --outtype f16 or q8_0.`,
    );
  }
  const stored = new Uint8Array(end - begin);
  await files[0]!.read(begin, stored);
  const values = decodeQ8(stored);
  const bytes = new Uint8Array(values.buffer);
  const tensor: TensorRef = { name, file: 0, dtype: "F32", shape, begin, end };
  return { ...tensor, ...heldTensor(files, tensor, bytes) };
}
