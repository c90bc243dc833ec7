import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Warning } from "../merge/warning.ts";
import { isWithin } from "./real-path.ts";

/** Files that trainers save beside an adapter and that its users load with it. */
export const COMPANIONS: readonly string[] = [
  "tokenizer.json",
  "tokenizer_config.json",
  "tokenizer.model",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "vocab.txt",
  "merges.txt",
  "spiece.model",
  "sentencepiece.bpe.model",
  "chat_template.jinja",
  "chat_template.json",
];

/** Tokenizers have some megabytes. */
const MAX_COMPANION_BYTES = 256e6;

/** Tokenizer files and chat templates that all inputs have alike, to be copied, and a warning for those that differ. */
export function sharedCompanions(folders: readonly string[]): {
  files: { name: string; bytes: Uint8Array }[];
  warnings: Warning[];
} {
  const files: { name: string; bytes: Uint8Array }[] = [];
  const differing: string[] = [];
  for (const name of COMPANIONS) {
    const found = folders.filter((folder) => isOwnFile(folder, name)).map((folder) => join(folder, name));
    if (found.length === 0) continue;
    const contents = found.map((path) => readFileSync(path));
    const alike = contents.every((bytes) => bytes.equals(contents[0]!));
    if (!alike) differing.push(name);
    else if (found.length === folders.length) files.push({ name, bytes: contents[0]! });
  }
  const text = `The adapters have different ${differing.join(", ")}; none is copied, so take the base model's.`;
  return { files, warnings: differing.length === 0 ? [] : [{ id: "tokenizer-differs", text }] };
}

/** Whether a folder holds a file of its own by this name: a link must end in the folder, or in the blobs of the Hub's cache beside it. */
function isOwnFile(folder: string, name: string): boolean {
  const path = join(folder, name);
  if (!existsSync(path)) return false;
  const stat = statSync(path);
  if (!stat.isFile() || stat.size > MAX_COMPANION_BYTES) return false;
  const real = realpathSync(path);
  const home = realpathSync(folder);
  return isWithin(real, home) || isWithin(real, resolve(home, "../../blobs"));
}
