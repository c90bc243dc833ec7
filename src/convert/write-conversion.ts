import type { Adapter } from "../adapter/adapter.ts";
import { copyTensor } from "../adapter/tensor-values.ts";
import type { ByteSink } from "../core/bytes.ts";
import { bytesOf, type Dtype } from "../core/dtype.ts";
import { copyElements } from "../units/read-strided.ts";
import type { Conversion, FactorContent, WrittenTensor } from "./conversion.ts";
import { factorBytes } from "./factor-bytes.ts";
import { hashingSink } from "./tensor-hashes.ts";

/**
 * Write the weights of a conversion, at most one tensor in memory at a time.
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
  if (content.kind === "interleave")
    return sink.write(begin, await interleaved(adapter, content.parts, dtype, name, end - begin));
  const { parts } = content;
  const size = (end - begin) / parts.length;
  for (const [i, part] of parts.entries()) {
    const bytes = part === null ? new Uint8Array(size) : await factorBytes(adapter, part, dtype, name);
    await sink.write(begin + i * size, bytes);
  }
}

/** One tensor of the elements of several, in turn. */
async function interleaved(
  adapter: Pick<Adapter, "name" | "files">,
  parts: readonly (FactorContent | null)[],
  dtype: Dtype,
  name: string,
  size: number,
): Promise<Uint8Array> {
  const whole = new Uint8Array(size);
  const element = bytesOf(dtype);
  const count = size / element / parts.length;
  for (const [i, part] of parts.entries()) {
    if (part === null) continue;
    const bytes = await factorBytes(adapter, part, dtype, name);
    const into = { bytes: whole.subarray(element * i), strides: { unit: 0, entry: parts.length } };
    copyElements(element, { bytes, strides: { unit: 0, entry: 1 } }, into, 1, count);
  }
  return whole;
}
