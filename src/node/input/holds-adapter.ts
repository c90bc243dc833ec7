import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isConfigFile, isIndexFile, isWeightsFile } from "../../formats/peft-folder/files.ts";

/** How files are called that hold others. */
export const ARCHIVE: RegExp = /\.(?:zip|tar|tgz|7z|rar|gz|bz2|xz|zst)$/i;

/** One file, its shards, or their index. */
const MODEL_WEIGHTS =
  /^(?:model|pytorch_model|diffusion_pytorch_model)(?:-\d{5}-of-\d{5})?\.(?:safetensors|bin)(?:\.index\.json)?$/;

/** Whether a path is a folder with an adapter's files, and not with those of a whole model. */
export function holdsAdapter(path: string): boolean {
  if (!isFolder(path)) return false;
  const names = readdirSync(path);
  return names.some(isConfigFile) || (names.some(isAdapterFile) && !names.includes("config.json"));
}

/** Whether a path is a folder with the files of a whole model: its config, and weights as transformers or llama.cpp name them. */
export function holdsModel(path: string): boolean {
  if (!isFolder(path)) return false;
  const names = readdirSync(path);
  if (names.some(isConfigFile) || !names.includes("config.json")) return false;
  return names.some((name) => MODEL_WEIGHTS.test(name) || name.endsWith(".gguf"));
}

/** Whether a path is a folder with nothing in it that an adapter could be made of, at any depth that is looked at. */
export function holdsNothing(path: string): boolean {
  if (!isFolder(path)) return false;
  const names = readdirSync(path);
  // An empty folder may be a download that failed.
  if (names.length === 0) return false;
  return names.every((name) => {
    const inner = join(path, name);
    return !isFolder(inner) && !isConfigFile(name) && !isWeightsFile(name) && !isIndexFile(name);
  });
}

/** Whether a file can be an adapter whatever its name is. */
export function isAdapterFile(name: string): boolean {
  return /\.(?:safetensors|gguf)$/.test(name);
}

/** Whether a path is a folder, or a link to one. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
