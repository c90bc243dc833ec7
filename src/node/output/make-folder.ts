import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Make a folder and its missing parents one by one, all or none. Node's recursive mkdir never returns in file systems without new
 * folders, such as /proc.
 *
 * @returns the folders that were made, outermost first
 */
export function makeFolder(path: string): string[] {
  const parent = dirname(path);
  const above = existsSync(parent) ? [] : makeFolder(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    for (const folder of above.reverse()) rmdirSync(folder);
    throw error;
  }
  return [...above, path];
}
