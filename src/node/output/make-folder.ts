import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Make a folder and what is missing above it, one by one: Node's recursive mkdir never ends in file systems that take no
 * folders, as /proc. Makes all or none.
 *
 * @returns the folders that were made, the outermost first
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
