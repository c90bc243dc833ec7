import type { DialectId } from "../adapter/adapter.ts";
import { refuseKinds } from "../adapter/kinds.ts";
import { refuseVariants } from "../adapter/variants.ts";
import { UsageError } from "../core/errors.ts";
import type { Writer } from "./conversion.ts";
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
