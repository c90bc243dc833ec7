import type { ByteSource } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { readHeader } from "../formats/safetensors/header.ts";
import { openShards, readShardIndex } from "../formats/safetensors/shards.ts";
import { isPickle } from "../formats/torch/foreign.ts";
import type { AdapterFileNames } from "./adapter.ts";
import type { BaseFiles } from "./base-layers.ts";
import type { AdapterContents, AdapterText } from "./dialect.ts";
import { type AdapterFolder, fileOf } from "./folder.ts";

/** Larger than any adapter's config or index. */
export const MAX_TEXT_BYTES: number = 4 << 20;

/** Optional inputs for reading an adapter. */
export interface ReadingOptions {
  /** config.json of the base model, which GGUF files of some families need to name their modules. */
  readonly baseConfig?: AdapterText | null;
}

/** The same with the base model, which the deltas of some of PEFT's methods need. */
export interface BasedOptions extends ReadingOptions {
  readonly onBase?: BaseFiles | null;
}

/** Read the headers of a folder's chosen files, whatever container holds the tensors. */
export async function openContents(
  folder: AdapterFolder,
  chosen: AdapterFileNames,
  { baseConfig = null, onBase = null }: BasedOptions,
): Promise<AdapterContents> {
  const weights = chosen.sharded
    ? await openSharded(folder, chosen.weights)
    : await openSingle(await folder.open(chosen.weights));
  return { name: folder.name, ...weights, config: await openConfig(folder, chosen.config), baseConfig, base: onBase };
}

type Weights = Pick<AdapterContents, "files" | "tensors" | "metadata">;

/** One file, read as its first bytes say, or as its suffix says where they tell nothing. */
async function openSingle(source: ByteSource): Promise<Weights> {
  const container = await containerOf(source);
  // Most files are safetensors, so that a page and a command begin without what reads the others.
  if (container === "gguf") return (await import("./open-gguf.ts")).openGguf(source);
  const { tensors, metadata } =
    container === "torch"
      ? {
          tensors: await (await import("../formats/torch/read.ts")).readTorch(source),
          metadata: new Map<string, string>(),
        }
      : await readHeader(source);
  return {
    files: [source],
    tensors: new Map(Array.from(tensors, ([name, info]) => [name, { name, file: 0, ...info }])),
    metadata,
  };
}

async function containerOf(source: ByteSource): Promise<"safetensors" | "torch" | "gguf"> {
  const head = new Uint8Array(Math.min(source.size, 9));
  await source.read(0, head);
  const text = String.fromCharCode(...head);
  if (text.startsWith("GGUF")) return "gguf";
  // A safetensors file begins with the length of its JSON, which may be any bytes.
  if (text[8] === "{") return "safetensors";
  if (source.name.endsWith(".gguf")) return "gguf";
  return isPickle(head) || text.startsWith("PK") || /\.(bin|pt|pth)$/.test(source.name) ? "torch" : "safetensors";
}

async function openSharded(folder: AdapterFolder, indexFile: string): Promise<Weights> {
  const where = fileOf(folder.name, indexFile);
  const index = readShardIndex(await sourceText(await folder.open(indexFile), where), where);
  const { shards, tensors } = await openShards(index, (file) => folder.open(file));
  return { files: shards.map(({ source }) => source), tensors, metadata: new Map() };
}

async function openConfig(folder: AdapterFolder, file: string | null): Promise<AdapterContents["config"]> {
  if (file === null) return null;
  const where = fileOf(folder.name, file);
  return { text: await sourceText(await folder.open(file), where), where };
}

/** A small text of an adapter or model: its config or index. @throws FormatError if it is too long, a Git LFS pointer or not UTF-8 */
export async function sourceText(
  source: ByteSource,
  where: string,
  mostBytes: number = MAX_TEXT_BYTES,
): Promise<string> {
  if (source.size > mostBytes) {
    throw new FormatError(
      `${where} has ${source.size} bytes, too many for a JSON config; use the adapter's or model's own file.`,
    );
  }
  const bytes = new Uint8Array(source.size);
  await source.read(0, bytes);
  const text = decodeUtf8(bytes, where);
  if (text.startsWith("version https://git-lfs.github.com/spec/")) {
    throw new FormatError(
      `${where} is a Git LFS pointer, not the file itself; run "git lfs pull" or download the file.`,
    );
  }
  return text;
}

function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new FormatError(`${where} is not UTF-8 text; use the JSON file that was saved with the adapter.`);
  }
}
