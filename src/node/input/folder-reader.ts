import { closeSync, existsSync, fstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FolderReader } from "../../report/tokenizer-files.ts";
import { isOwnFile } from "../files/own-file.ts";
import { openRegular } from "../files/regular-file.ts";

/** Reads a folder's own files. */
export function folderReader(folder: string): FolderReader {
  return async (name, most) => {
    const path = join(folder, name);
    if (!existsSync(path) || !isOwnFile(folder, name)) return null;
    const descriptor = openRegular(path);
    if (descriptor === null) return null;
    try {
      return fstatSync(descriptor).size > most ? null : readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  };
}
