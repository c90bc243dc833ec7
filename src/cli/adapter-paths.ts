import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { LoraLegoError } from "../core/errors.ts";
import { compareNaturally } from "../core/natural-order.ts";
import { readGguf } from "../formats/gguf/header.ts";
import { isConfigFile, isIndexFile, isOfFolder } from "../formats/peft-folder/files.ts";
import { openFile } from "../node/files/file-source.ts";
import { holdsAdapter, holdsModel, holdsNothing, isAdapterFile, isFolder } from "../node/input/holds-adapter.ts";
import { sayLine } from "./terminal.ts";

/** Texts, tables, pictures and settings. */
const NO_WEIGHTS = /\.(?:md|txt|rst|json|jsonl|ya?ml|toml|csv|tsv|html?|pdf|png|jpe?g|webp|gif|svg|py|ipynb|sh|log)$/i;
const NO_SUFFIX = /^(?:LICEN[CS]E|NOTICE|README|Makefile|\.git(?:ignore|attributes))$/i;
/** A trainer's states of one adapter. */
const CHECKPOINT = /^checkpoint-\d+$/;

/**
 * The paths of adapters among those that a user names or a shell lists: a folder that holds no adapter itself stands for those in it, and of
 * adapters/* files that cannot be adapters by their names, base models and folders with nothing in them are left out, unless no path
 * remains. Each with a notice.
 */
export async function adaptersAmong(paths: string[]): Promise<string[]> {
  return (await withoutOthers(paths)).flatMap((path) => {
    const inside = adaptersIn(path);
    if (inside.length === 0) return [path];
    sayLine(
      `${path} holds no adapter itself, and the adapters in it are taken: ${inside.map((each) => basename(each)).join(", ")}.`,
    );
    return inside;
  });
}

async function withoutOthers(paths: string[]): Promise<string[]> {
  const whys = new Map<string, string | null>();
  for (const path of paths) whys.set(path, await noAdapter(path));
  const kept = paths.filter((path) => whys.get(path) === null);
  if (kept.length === 0 || kept.length === paths.length) return paths;
  for (const [path, why] of whys) if (why !== null) sayLine(`${path} ${why}, and is left out.`);
  return kept;
}

/** Why a path that a shell lists beside adapters is none; null if it may be one. */
async function noAdapter(path: string): Promise<string | null> {
  if (liesBeside(path)) return "is no adapter by its name";
  if (holdsModel(path) || (await isModelGguf(path))) return "is a base model, no adapter";
  return holdsNothing(path) ? "holds no adapter" : null;
}

/** Whether a file is a GGUF whose metadata calls it a model, or does not say what it is, as those of older models. */
async function isModelGguf(path: string): Promise<boolean> {
  if (!path.endsWith(".gguf") || !isFile(path)) return false;
  const file = openFile(path, path);
  try {
    return ((await readGguf(file)).metadata.get("general.type") ?? "model") === "model";
  } catch (error) {
    // What is damaged is said when it is read as an adapter.
    if (error instanceof LoraLegoError) return false;
    throw error;
  } finally {
    file.close();
  }
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
