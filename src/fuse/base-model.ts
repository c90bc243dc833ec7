import type { TensorRef } from "../adapter/adapter.ts";
import type { ByteSource } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { readHeader } from "../formats/safetensors/header.ts";
import { joinShards, readShardIndex } from "../formats/safetensors/shards.ts";

/** A whole model in safetensors, known by its headers. */
export interface BaseModel {
  /** What messages call it. */
  readonly name: string;
  /** Its weights' files, in the order of their names. */
  readonly shards: readonly ModelShard[];
  readonly tensors: ReadonlyMap<string, TensorRef>;
}

/** A file of a model's weights. */
export interface ModelShard {
  readonly file: string;
  readonly source: ByteSource;
  /** Bytes in front of the first tensor. */
  readonly headerBytes: number;
}

/** A model's folder: which files it has, and how to open them. */
export interface ModelFolder {
  readonly name: string;
  readonly files: readonly string[];
  open(file: string): Promise<ByteSource>;
}

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const MAX_INDEX_BYTES = 64 << 20;

/**
 * Open a model by its headers: model.safetensors, or the shards that model.safetensors.index.json names.
 *
 * @throws FormatError when there are no such weights, or a file is damaged
 */
export async function openModel(folder: ModelFolder): Promise<BaseModel> {
  const { name, files } = folder;
  if (files.includes(INDEX)) return openShards(folder);
  const only = files.includes(SINGLE) ? SINGLE : files.filter((file) => file.endsWith(".safetensors"))[0];
  if (only === undefined || (only !== SINGLE && files.filter((file) => file.endsWith(".safetensors")).length > 1)) {
    const other = files.find((file) => /\.(bin|gguf|pt)$/.test(file));
    throw new FormatError(
      `${name} holds no ${SINGLE} and no ${INDEX}${other === undefined ? "" : ` (but ${other})`}; pass the folder of a model in safetensors, as transformers saves it.`,
    );
  }
  const source = await folder.open(only);
  const { tensors, headerBytes } = await readHeader(source);
  return {
    name,
    shards: [{ file: only, source, headerBytes }],
    tensors: new Map(Array.from(tensors, ([key, info]) => [key, { name: key, file: 0, ...info }])),
  };
}

async function openShards(folder: ModelFolder): Promise<BaseModel> {
  const { name } = folder;
  const where = `${name}/${INDEX}`;
  const text = await folder.open(INDEX);
  if (text.size > MAX_INDEX_BYTES)
    throw new FormatError(`${where} has ${text.size} bytes, too many for an index; take the model's own.`);
  const bytes = new Uint8Array(text.size);
  await text.read(0, bytes);
  const index = readShardIndex(new TextDecoder().decode(bytes), where);
  const shards: ModelShard[] = [];
  const headers = new Map<string, Awaited<ReturnType<typeof readHeader>>>();
  for (const file of index.files) {
    if (!folder.files.includes(file))
      throw new FormatError(`${name} lacks ${file}, which ${INDEX} names; download it too.`);
    const source = await folder.open(file);
    const header = await readHeader(source);
    headers.set(file, header);
    shards.push({ file, source, headerBytes: header.headerBytes });
  }
  const tensors = new Map<string, TensorRef>();
  for (const [key, { file, info }] of joinShards(index, headers)) {
    tensors.set(key, { name: key, file: index.files.indexOf(file), ...info });
  }
  return { name, shards, tensors };
}
