import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { FolderReader } from "../merge/companions.ts";
import { isWithin } from "./real-path.ts";

/** Reads a folder's own files: a link must end in the folder, or in the blobs of the Hub's cache beside it. */
export function folderReader(folder: string): FolderReader {
  return async (name, most) => {
    const path = join(folder, name);
    if (!existsSync(path)) return null;
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > most) return null;
    const real = realpathSync(path);
    const home = realpathSync(folder);
    const own = isWithin(real, home) || isWithin(real, resolve(home, "../../blobs"));
    return own ? readFileSync(path) : null;
  };
}
