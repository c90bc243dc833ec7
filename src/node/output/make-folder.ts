import { existsSync, mkdirSync, rmdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Make a folder and its missing parents one by one, all or none. Node's recursive mkdir never returns in file systems without new
 * folders, such as /proc.
 *
 * @returns the folders that were made, outermost first
 */
export function makeFolder(path: string): string[] {
  const above = ensureFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    removeEmpty(above);
    throw error;
  }
  return [...above, path];
}

/** The same for a folder that may be there, or that another process makes meanwhile. @returns as `makeFolder` */
export function ensureFolder(path: string): string[] {
  if (existsSync(path)) return [];
  try {
    return makeFolder(path);
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return [];
    throw error;
  }
}

/** Remove folders, innermost first, up to one that another process has begun to use. */
function removeEmpty(folders: readonly string[]): void {
  try {
    for (const folder of folders.toReversed()) rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
  }
}
