import type { Adapter, DialectId } from "../adapter/adapter.ts";
import { refuseKinds } from "../adapter/kinds.ts";
import { copyTensor } from "../adapter/tensor-values.ts";
import { refuseVariants } from "../adapter/variants.ts";
import type { ByteSink } from "../core/bytes.ts";
import { UsageError } from "../core/errors.ts";
import type { Conversion, Writer, WrittenTensor } from "./conversion.ts";
import { factorBytes } from "./factor-bytes.ts";
import { refuseExtremeScales, refuseUncarried } from "./refuse-uncarried.ts";
import { diffusersWriter } from "./writers/diffusers.ts";
import { ggufWriter } from "./writers/gguf.ts";
import { kohyaWriter } from "./writers/kohya.ts";
import { mlxWriter } from "./writers/mlx.ts";
import { peftWriter } from "./writers/peft.ts";

/** The formats that can be written. */
export const WRITERS: readonly Writer[] = [peftWriter, kohyaWriter, diffusersWriter, mlxWriter, ggufWriter].map(
  careful,
);

/** Wraps a writer so that it only gets adapters that its format can hold. */
function careful(writer: Writer): Writer {
  return {
    ...writer,
    convert(adapter, baseConfig) {
      refuseVariants(adapter);
      const { title, kinds, factorsOnly } = writer;
      refuseKinds(adapter.name, adapter.modules.values(), kinds, `${title} files`);
      refuseExtremeScales(adapter);
      if (factorsOnly) refuseUncarried(adapter, title);
      return writer.convert(adapter, baseConfig);
    },
  };
}

/**
 * The writer of a format.
 *
 * @throws UsageError for an unknown format
 * @example
 * ```ts
 * import { WRITERS, writerOf } from "lora-lego";
 *
 * console.log(WRITERS.map(({ id }) => id).join(" ")); // peft kohya diffusers mlx gguf
 * console.log(writerOf("gguf").title); // GGUF
 * ```
 */
export function writerOf(id: DialectId | string): Writer {
  const writer = WRITERS.find((candidate) => candidate.id === id);
  if (writer !== undefined) return writer;
  throw new UsageError(
    `There is no format "${id}" to write; choose one of ${WRITERS.map((known) => known.id).join(", ")}.`,
  );
}

/**
 * Write the weights of a conversion, one tensor in memory at a time.
 *
 * @example
 * ```ts
 * import { memorySink, writeConversion, writerOf } from "lora-lego";
 * import { openAdapterPath } from "lora-lego/node";
 *
 * const { adapter, close } = await openAdapterPath("adapters/sort");
 * const conversion = writerOf("mlx").convert(adapter, null);
 * const sink = memorySink(conversion.layout.size);
 * await writeConversion(adapter, conversion, sink);
 * close();
 * console.log(conversion.weightsFile, sink.bytes.length === conversion.layout.size); // adapters.safetensors true
 * ```
 */
export async function writeConversion(
  { files }: Adapter,
  { tensors, layout }: Conversion,
  sink: ByteSink,
  signal?: AbortSignal,
): Promise<void> {
  await sink.write(0, layout.header);
  for (const tensor of tensors) {
    signal?.throwIfAborted();
    await writeTensor(files, tensor, layout.tensors.get(tensor.name)!, sink);
  }
}

async function writeTensor(
  files: Adapter["files"],
  { name, dtype, content }: WrittenTensor,
  { begin, end }: { readonly begin: number; readonly end: number },
  sink: ByteSink,
): Promise<void> {
  if (content.kind === "bytes") return sink.write(begin, content.bytes);
  if (content.kind === "factor") return sink.write(begin, await factorBytes(files, content, dtype, name));
  if (content.kind === "copy") return copyTensor(files, content.tensor, begin, sink);
  const { parts } = content;
  const size = (end - begin) / parts.length;
  for (const [i, part] of parts.entries()) {
    const bytes = part === null ? new Uint8Array(size) : await factorBytes(files, part, dtype, name);
    await sink.write(begin + i * size, bytes);
  }
}
