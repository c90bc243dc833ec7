import type { ByteSource } from "../core/bytes.ts";
import { FormatError, RefusedError } from "../core/errors.ts";
import { parsePeftConfig } from "../formats/peft-config.ts";
import { readHeader } from "../formats/safetensors/header.ts";
import { joinShards, readShardIndex } from "../formats/safetensors/shards.ts";
import type { Adapter, TensorRef } from "./adapter.ts";
import { type AdapterFolder, chooseFiles } from "./folder.ts";
import { peftAdapter } from "./peft.ts";
import { refuseForeign } from "./recognise.ts";

/** A config larger than this is no adapter_config.json. */
const MAX_CONFIG_BYTES = 4 << 20;
const COMPARED_BYTES = 1 << 20;
/** Keys of models have 200 at most; the time to match a name against patterns grows with its square. */
const MAX_KEY_CHARACTERS = 1000;

/**
 * Open an adapter by its headers; no tensor is read.
 *
 * @throws FormatError when a file is damaged, RefusedError when it is recognised but cannot be merged correctly
 */
export async function openAdapter(folder: AdapterFolder): Promise<Adapter> {
  const chosen = chooseFiles(folder);
  const { files, tensors } = chosen.sharded
    ? await openShards(folder, chosen.weights)
    : await openSingle(folder, chosen.weights);
  for (const key of tensors.keys()) {
    if (key.length > MAX_KEY_CHARACTERS) {
      throw new FormatError(
        `${folder.name}: a tensor's name has ${key.length} characters (${key.slice(0, 80)}...), more than ${MAX_KEY_CHARACTERS}; save the adapter again.`,
      );
    }
  }
  refuseForeign(folder.name, [...tensors.keys()]);
  if (chosen.config === null) {
    throw new FormatError(
      `${folder.name} has ${chosen.weights} but no adapter_config.json beside it, which holds rank and alpha; add it.`,
    );
  }
  const where = `${folder.name}/${chosen.config}`;
  const config = parsePeftConfig(await readText(await folder.open(chosen.config), where), where);
  const { adapter, copies } = peftAdapter(folder.name, config, files, tensors);
  for (const [trained, plain] of copies) await refuseDiffering(adapter, trained, plain);
  return adapter;
}

/** Two copies of one tensor must agree, or there is no telling which one is the adapter's. */
async function refuseDiffering(adapter: Adapter, trained: TensorRef, plain: TensorRef): Promise<void> {
  const alike = trained.dtype === plain.dtype && trained.shape.join() === plain.shape.join();
  if (alike && (await sameBytes(adapter, trained, plain))) return;
  throw new RefusedError(
    `${adapter.name}: ${trained.name} and its copy ${plain.name} differ; remove the one that is not the adapter's.`,
  );
}

async function sameBytes(adapter: Adapter, one: TensorRef, other: TensorRef): Promise<boolean> {
  const length = one.end - one.begin;
  for (let from = 0; from < length; from += COMPARED_BYTES) {
    const [p, q] = [
      new Uint8Array(Math.min(COMPARED_BYTES, length - from)),
      new Uint8Array(Math.min(COMPARED_BYTES, length - from)),
    ];
    await adapter.files[one.file]!.read(one.begin + from, p);
    await adapter.files[other.file]!.read(other.begin + from, q);
    for (let i = 0; i < p.length; i++) if (p[i] !== q[i]) return false;
  }
  return true;
}

async function openSingle(folder: AdapterFolder, file: string) {
  const source = await folder.open(file);
  const header = await readHeader(source);
  const tensors = new Map<string, TensorRef>();
  for (const [name, info] of header.tensors) tensors.set(name, { name, file: 0, ...info });
  return { files: [source], tensors };
}

async function openShards(folder: AdapterFolder, indexFile: string) {
  const where = `${folder.name}/${indexFile}`;
  const index = readShardIndex(await readText(await folder.open(indexFile), where), where);
  const files = await Promise.all(index.files.map((file) => folder.open(file)));
  const headers = new Map<string, Awaited<ReturnType<typeof readHeader>>>();
  for (const [i, source] of files.entries()) headers.set(index.files[i]!, await readHeader(source));
  const tensors = new Map<string, TensorRef>();
  for (const [name, { file, info }] of joinShards(index, headers)) {
    tensors.set(name, { name, file: index.files.indexOf(file), ...info });
  }
  return { files, tensors };
}

async function readText(source: ByteSource, where: string): Promise<string> {
  if (source.size > MAX_CONFIG_BYTES) {
    throw new FormatError(
      `${where} has ${source.size} bytes, too many for a JSON config; take the adapter's own file.`,
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
    throw new FormatError(`${where} is not UTF-8 text; take the JSON file that was saved with the adapter.`);
  }
}
