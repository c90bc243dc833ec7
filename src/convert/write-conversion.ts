import type { Adapter } from "../adapter/adapter.ts";
import { copyTensor } from "../adapter/tensor-values.ts";
import type { ByteSink } from "../core/bytes.ts";
import type { Conversion, WrittenTensor } from "./conversion.ts";
import { factorBytes } from "./factor-bytes.ts";
import { hashingSink } from "./tensor-hashes.ts";

/**
 * Write the weights of a conversion, one tensor in memory at a time.
 *
 * @throws FormatError for values that are not finite; RefusedError for those that a folded scale takes out of their type
 * @example
 * ```ts
 * import { memorySink, writeConversion, writerOf } from "lora-lego";
 * import { openAdapterPath } from "lora-lego/node";
 *
 * const { adapter, close } = await openAdapterPath("adapters/sort");
 * const conversion = (await writerOf("mlx")).convert(adapter, null);
 * const sink = memorySink(conversion.layout.size);
 * await writeConversion(adapter, conversion, sink);
 * close();
 * console.log(conversion.weightsFile, sink.bytes.length === conversion.layout.size); // adapters.safetensors true
 * ```
 */
export async function writeConversion(
  adapter: Adapter,
  conversion: Conversion,
  sink: ByteSink,
  signal?: AbortSignal,
): Promise<void> {
  const { tensors, layout, hashed } = conversion;
  const hashing = hashed === undefined ? null : await hashingSink(sink, conversion, hashed);
  const placeOf = ({ name }: WrittenTensor) => layout.tensors.get(name)!;
  for (const tensor of tensors.toSorted((one, other) => placeOf(one).begin - placeOf(other).begin)) {
    signal?.throwIfAborted();
    await writeTensor(adapter, tensor, placeOf(tensor), hashing ?? sink);
  }
  await sink.write(0, hashing?.header() ?? layout.header);
}

async function writeTensor(
  adapter: Adapter,
  { name, dtype, content }: WrittenTensor,
  { begin, end }: { readonly begin: number; readonly end: number },
  sink: ByteSink,
): Promise<void> {
  if (content.kind === "bytes") return sink.write(begin, content.bytes);
  if (content.kind === "factor") return sink.write(begin, await factorBytes(adapter, content, dtype, name));
  if (content.kind === "copy") return copyTensor(adapter.name, adapter.files, content.tensor, begin, sink);
  const { parts } = content;
  const size = (end - begin) / parts.length;
  for (const [i, part] of parts.entries()) {
    const bytes = part === null ? new Uint8Array(size) : await factorBytes(adapter, part, dtype, name);
    await sink.write(begin + i * size, bytes);
  }
}
