import { refuseKinds } from "../adapter/kinds.ts";
import { refuseVariants, type VariantId } from "../adapter/variants.ts";
import { UsageError } from "../core/errors.ts";
import type { FormatWriter } from "./conversion.ts";
import { FORMATS, WRITTEN_FORMATS, type WrittenFormat } from "./formats.ts";
import { refuseExtremeScales, refuseImageModel, refuseUncarried } from "./refuse-uncarried.ts";

/** The writer of one format. */
export interface Writer extends FormatWriter {
  readonly id: WrittenFormat;
}

/** Wraps a writer so that it only gets adapters that its format can hold. */
function careful(writer: FormatWriter, variants: readonly VariantId[]): FormatWriter {
  return {
    ...writer,
    convert(adapter, baseConfig) {
      const { title, languageOnly, kinds, extras } = writer;
      // First: every other way out would lead here.
      if (languageOnly !== null) refuseImageModel(adapter, languageOnly);
      refuseVariants(adapter, variants);
      refuseKinds(adapter.name, adapter.modules.values(), kinds, `${title} files`);
      refuseExtremeScales(adapter);
      if (extras !== "all") refuseUncarried(adapter, title, extras);
      return writer.convert(adapter, baseConfig);
    },
  };
}

/**
 * The writer of a format, loaded when it is first asked for.
 *
 * @throws UsageError for an unknown format
 * @example
 * ```ts
 * import { WRITTEN_FORMATS, writerOf } from "lora-lego";
 *
 * console.log(WRITTEN_FORMATS.join(" ")); // peft kohya diffusers mlx gguf
 * console.log((await writerOf("gguf")).title); // GGUF
 * ```
 */
export async function writerOf(id: WrittenFormat): Promise<Writer> {
  const format = FORMATS[id];
  if (format === undefined) {
    throw new UsageError(`There is no format "${id}" to write; choose one of ${WRITTEN_FORMATS.join(", ")}.`);
  }
  return { id, ...careful(await format.load(), format.variants) };
}
