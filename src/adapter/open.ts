import { FormatError } from "../core/errors.ts";
import type { Adapter } from "./adapter.ts";
import { openContents, type ReadingOptions } from "./container.ts";
import { dialectOf } from "./dialects.ts";
import { type AdapterFolder, chooseFiles } from "./folder.ts";

/** Keys of models have 200 at most; the time to match a name against patterns grows with its square. */
const MAX_KEY_CHARACTERS = 1000;

/**
 * Open an adapter of any dialect by its headers; of its tensors only scalars are read. What it is beside a plain LoRA is told by its
 * `variants`, and refused by what cannot apply them.
 *
 * @throws FormatError when a file is damaged, RefusedError when its tensors are not understood
 */
export async function openAdapter(folder: AdapterFolder, options: ReadingOptions = {}): Promise<Adapter> {
  const fileNames = chooseFiles(folder);
  const contents = await openContents(folder, fileNames, options);
  for (const key of contents.tensors.keys()) {
    if (key.length > MAX_KEY_CHARACTERS) {
      throw new FormatError(
        `${folder.name}: a tensor's name has ${key.length} characters (${key.slice(0, 80)}...), more than ${MAX_KEY_CHARACTERS}; save the adapter again.`,
      );
    }
  }
  return { ...(await dialectOf(contents).read(contents)), fileNames };
}
