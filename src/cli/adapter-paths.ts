import { statSync } from "node:fs";
import { basename } from "node:path";
import { isConfigFile, isIndexFile } from "../formats/peft-folder/files.ts";
import { sayLine } from "./terminal.ts";

/** Texts, tables, pictures and settings. */
const NO_WEIGHTS = /\.(?:md|txt|rst|json|jsonl|ya?ml|toml|csv|tsv|html?|pdf|png|jpe?g|webp|gif|svg|py|ipynb|sh|log)$/i;
const NO_SUFFIX = /^(?:LICEN[CS]E|NOTICE|README|Makefile|\.git(?:ignore|attributes))$/i;

/**
 * The paths of adapters among those that a shell lists for adapters/*: files that cannot be adapters by their names are left out with a
 * notice each, unless no path remains.
 */
export function adaptersAmong(paths: string[]): string[] {
  const kept = paths.filter((path) => !liesBeside(path));
  if (kept.length === 0 || kept.length === paths.length) return paths;
  for (const path of paths) if (!kept.includes(path)) sayLine(`${path} is no adapter by its name, and is left out.`);
  return kept;
}

function liesBeside(path: string): boolean {
  const name = basename(path);
  if (isConfigFile(name) || isIndexFile(name)) return false;
  return (
    (NO_WEIGHTS.test(name) || NO_SUFFIX.test(name)) && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false)
  );
}
