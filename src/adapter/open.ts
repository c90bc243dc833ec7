import { FormatError } from "../core/errors.ts";
import type { Adapter, Notice } from "./adapter.ts";
import { type BasedOptions, openContents, type ReadingOptions } from "./container.ts";
import { dialectById, dialectOf } from "./dialects.ts";
import { type AdapterFolder, chooseFiles } from "./folder.ts";
import { unwrapped } from "./names/wrapped.ts";
import { inTurnBy } from "./weights/gate-and-up.ts";

/** Keys of models have 200 at most; the time to match a name against patterns grows with the square of its length. */
const MAX_KEY_CHARACTERS = 1000;

/**
 * Open an adapter of any dialect by its headers; the only tensor values read are scalars. `variants` says what makes it more than a
 * plain LoRA; code that cannot apply them refuses them.
 *
 * @throws FormatError when a file is damaged, RefusedError when its tensors are not understood
 * @example
 * ```ts
 * import { adapterFolder, blobSource, openAdapter } from "lora-lego";
 * import { readFile } from "node:fs/promises";
 *
 * // In a page, these are files that a user dropped.
 * const blob = async (file: string) => new Blob([await readFile(`adapters/sort/${file}`)]);
 * const adapter = await openAdapter(
 *   adapterFolder("sort", {
 *     "adapter_config.json": blobSource("adapter_config.json", await blob("adapter_config.json")),
 *     "adapter_model.safetensors": blobSource("adapter_model.safetensors", await blob("adapter_model.safetensors")),
 *   }),
 * );
 * console.log(adapter.format, adapter.baseModel); // peft lora-lego/tiny-llama-letters
 * ```
 */
export async function openAdapter(folder: AdapterFolder, options: ReadingOptions = {}): Promise<Adapter> {
  return openBased(folder, options);
}

/** `openAdapter`, also with the base model. */
export async function openBased(folder: AdapterFolder, options: BasedOptions): Promise<Adapter> {
  const fileNames = chooseFiles(folder);
  const contents = await openContents(folder, fileNames, options);
  for (const key of contents.tensors.keys()) {
    if (key.length > MAX_KEY_CHARACTERS) {
      throw new FormatError(
        `${folder.name}: a tensor's name has ${key.length} characters (${key.slice(0, 80)}...), more than ${MAX_KEY_CHARACTERS}; save the adapter again.`,
      );
    }
  }
  const { tensors, notices } = unwrapped(folder.name, contents.tensors);
  const unwrappedContents = { ...contents, tensors };
  const format = dialectOf(unwrappedContents);
  const adapter = await dialectById(format).read(unwrappedContents);
  const gateUpInTurn = inTurnBy(contents.baseConfig) ?? adapter.gateUpInTurn;
  return { ...adapter, format, gateUpInTurn, notices: [...notices, ...others(folder), ...adapter.notices], fileNames };
}

/** Report adapters in subfolders of the one that is read, except checkpoints of its own training. */
function others({ name, folders }: AdapterFolder): Notice[] {
  const found = folders.filter((folder) => !/^checkpoint-\d+$/.test(folder));
  if (found.length === 0) return [];
  const text = `${name} holds more adapters in subfolders (${found.slice(0, 4).join(", ")}${found.length > 4 ? ", ..." : ""}), which are not read; pass the ones that you want separately.`;
  return [{ id: "more-adapters", text }];
}
