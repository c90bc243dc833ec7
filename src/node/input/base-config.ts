import { statSync } from "node:fs";
import { basename, join } from "node:path";
import type { AdapterText } from "../../adapter/dialect.ts";
import { UsageError } from "../../core/errors.ts";
import { readText } from "../files/read-text.ts";

/** The path of a base model's config.json, for one that may be its folder's. */
export function baseConfigPath(path: string | undefined): string | undefined {
  const folder = path !== undefined && (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
  return folder ? join(path, "config.json") : path;
}

/**
 * The config.json of a base model at a path, or in a folder there; null for no path.
 *
 * @throws UsageError if there is none
 */
export function readBaseConfig(path: string | undefined): AdapterText | null {
  const file = baseConfigPath(path);
  if (file === undefined) return null;
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    throw new UsageError(`There is no file ${file}; pass the base model's config.json as --base-config.`);
  }
  return { text: readText(file), where: basename(file) };
}
