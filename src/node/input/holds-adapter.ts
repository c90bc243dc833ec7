import { readdirSync, statSync } from "node:fs";
import { isConfigFile } from "../../formats/peft-folder/files.ts";

/** Whether a path is a folder with an adapter's files, and not with those of a whole model. */
export function holdsAdapter(path: string): boolean {
  if (!isFolder(path)) return false;
  const names = readdirSync(path);
  return names.some(isConfigFile) || (names.some(isAdapterFile) && !names.includes("config.json"));
}

/** Whether a file can be an adapter whatever its name is. */
export function isAdapterFile(name: string): boolean {
  return /\.(?:safetensors|gguf)$/.test(name);
}

/** Whether a path is a folder, or a link to one. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
