import type { Adapter } from "../adapter/adapter.ts";
import { ofImageModel } from "../adapter/names/components.ts";
import type { Conversion } from "../convert/conversion.ts";
import { writeConversion } from "../convert/write-conversion.ts";
import { memorySink } from "../core/bytes.ts";
import { LoraLegoError } from "../core/errors.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { SINGLE_FILE } from "./made-for.ts";

/** A merged adapter of an image model as the single file that programs for such models load. */
export interface SingleFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The single file of a merged adapter, as `lora-lego merge --out NAME.safetensors` writes it from the folder of these inputs.
 *
 * @param adapter with the dialect that its inputs have in common
 * @returns null for language models, and where no such file can hold it
 */
export async function singleFile(name: string, adapter: Adapter, { for: id }: Recipe): Promise<SingleFile | null> {
  if (!ofImageModel(adapter.modules.keys())) return null;
  const file = `${name}${SINGLE_FILE}`;
  // The writers are many, and language models need none.
  const { convertFor } = await import("../convert/output-format.ts");
  let conversion: Conversion;
  try {
    ({ conversion } = await convertFor(file, id === undefined ? {} : { for: id }, adapter, null));
  } catch (error) {
    if (error instanceof LoraLegoError) return null;
    throw error;
  }
  const sink = memorySink(conversion.layout.size);
  await writeConversion(adapter, conversion, sink);
  return { name: file, bytes: sink.bytes };
}
