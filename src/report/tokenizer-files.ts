import { bytesEqual } from "../core/bytes.ts";
import type { Warning } from "../plan/warning.ts";

/** Files that trainers save next to an adapter and that users load with it. */
export const TOKENIZER_FILES: readonly string[] = [
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
const MAX_TOKENIZER_BYTES = 256e6;

/** A file of an adapter's folder by its name; null if the folder has no such file of its own, or if it is larger than `most` bytes. */
export type FolderReader = (name: string, most: number) => Promise<Uint8Array | null>;

/** A file to be copied. */
export interface FolderFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Tokenizer files and chat templates that are the same in all inputs, to copy, and a warning for those that differ. */
export async function sharedTokenizerFiles(
  folders: readonly FolderReader[],
): Promise<{ readonly files: readonly FolderFile[]; readonly warnings: readonly Warning[] }> {
  const files: FolderFile[] = [];
  const differing: string[] = [];
  for (const name of TOKENIZER_FILES) {
    const contents: Uint8Array[] = [];
    for (const read of folders) {
      const bytes = await read(name, MAX_TOKENIZER_BYTES);
      if (bytes !== null) contents.push(bytes);
    }
    const [first] = contents;
    if (first === undefined) continue;
    if (!contents.every((bytes) => bytesEqual(bytes, first))) differing.push(name);
    else if (contents.length === folders.length) files.push({ name, bytes: first });
  }
  const text = `The adapters have different ${differing.join(", ")}; none is copied, so take the base model's.`;
  return { files, warnings: differing.length === 0 ? [] : [{ id: "tokenizer-differs", text }] };
}
