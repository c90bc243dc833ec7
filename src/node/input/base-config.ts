import { statSync } from "node:fs";
import { basename } from "node:path";
import type { AdapterText } from "../../adapter/dialect.ts";
import { UsageError } from "../../core/errors.ts";
import { readText } from "../files/read-text.ts";

/** The config.json of a base model at a path; null for no path. @throws UsageError if the file does not exist */
export function readBaseConfig(path: string | undefined): AdapterText | null {
  if (path === undefined) return null;
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new UsageError(`There is no file ${path}; pass the base model's config.json as --base-config.`);
  }
  return { text: readText(path), where: basename(path) };
}
