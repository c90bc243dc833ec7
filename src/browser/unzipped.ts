import { blobSource } from "../core/bytes.ts";
import { RefusedError } from "../core/errors.ts";
import { readZipDirectory } from "../formats/torch/zip-directory.ts";
import { locateEntry } from "../formats/torch/zip-entry.ts";
import type { DroppedFile } from "./dropped.ts";

/**
 * The files of a zip archive that stores them as they are, such as the page writes; none is copied.
 *
 * @throws RefusedError for one that is compressed or encrypted; FormatError for one that is damaged
 */
export async function unzipped({ path, blob }: DroppedFile): Promise<DroppedFile[]> {
  const source = blobSource(path, blob);
  const { entries, begin } = await readZipDirectory(source);
  const files = [...entries.values()].filter(({ name }) => !name.endsWith("/"));
  if (files.some(({ method, encrypted }) => method !== 0 || encrypted)) {
    throw new RefusedError(`${path} is a compressed zip archive; unpack it first, and open what was in it.`);
  }
  return Promise.all(
    files.map(async (entry) => {
      const place = await locateEntry(source, entry, begin);
      return { path: `${path.replace(/\.zip$/i, "")}/${entry.name}`, blob: blob.slice(place.begin, place.end) };
    }),
  );
}
