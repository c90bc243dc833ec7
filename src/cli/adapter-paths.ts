import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { compareNaturally } from "../core/natural-order.ts";
import { isConfigFile, isIndexFile, isOfFolder } from "../formats/peft-folder/files.ts";
import { holdsAdapter, isAdapterFile, isFolder } from "../node/input/holds-adapter.ts";
import { sayLine } from "./terminal.ts";

/** Texts, tables, pictures and settings. */
const NO_WEIGHTS = /\.(?:md|txt|rst|json|jsonl|ya?ml|toml|csv|tsv|html?|pdf|png|jpe?g|webp|gif|svg|py|ipynb|sh|log)$/i;
const NO_SUFFIX = /^(?:LICEN[CS]E|NOTICE|README|Makefile|\.git(?:ignore|attributes))$/i;
/** A trainer's states of one adapter. */
const CHECKPOINT = /^checkpoint-\d+$/;

/**
 * The paths of adapters among those that a user names or a shell lists: a folder that holds no adapter itself stands for those in it, and of
 * adapters/* files that cannot be adapters by their names are left out, unless no path remains. Both with a notice.
 */
export function adaptersAmong(paths: string[]): string[] {
  return withoutOthers(paths).flatMap((path) => {
    const inside = adaptersIn(path);
    if (inside.length === 0) return [path];
    sayLine(
      `${path} holds no adapter itself, and the adapters in it are taken: ${inside.map((each) => basename(each)).join(", ")}.`,
    );
    return inside;
  });
}

function withoutOthers(paths: string[]): string[] {
  const kept = paths.filter((path) => !liesBeside(path));
  if (kept.length === 0 || kept.length === paths.length) return paths;
  for (const path of paths) if (!kept.includes(path)) sayLine(`${path} is no adapter by its name, and is left out.`);
  return kept;
}

function liesBeside(path: string): boolean {
  const name = basename(path);
  if (isConfigFile(name) || isIndexFile(name)) return false;
  return (NO_WEIGHTS.test(name) || NO_SUFFIX.test(name)) && isFile(path);
}

/** The adapters in a folder that is none: its files of weights, or else its folders. Checkpoints of one training are not several. */
function adaptersIn(path: string): string[] {
  if (!isFolder(path)) return [];
  const names = readdirSync(path).sort(compareNaturally);
  if (names.some(isOfFolder)) return [];
  const files = names.filter((name) => isAdapterFile(name)).map((name) => join(path, name));
  if (files.length > 0) return files.length === 1 ? [] : files.filter(isFile);
  return names
    .filter((name) => !CHECKPOINT.test(name) && holdsAdapter(join(path, name)))
    .map((name) => join(path, name));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
