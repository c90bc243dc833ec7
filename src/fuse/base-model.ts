import type { TensorRef } from "../adapter/adapter.ts";
import { sourceText } from "../adapter/container.ts";
import type { ByteSource } from "../core/bytes.ts";
import { FormatError } from "../core/errors.ts";
import { readHeader } from "../formats/safetensors/header.ts";
import { type OpenShard, openShards, readShardIndex } from "../formats/safetensors/shards.ts";

/** A whole model in safetensors, as its headers describe it. */
export interface BaseModel {
  /** What messages call it. */
  readonly name: string;
  /** Its weights' files, in the order of their names. */
  readonly shards: readonly ModelShard[];
  /** The index of its shards; null for a single file. */
  readonly index: { readonly file: string; readonly text: string } | null;
  readonly tensors: ReadonlyMap<string, TensorRef>;
}

/** A file of a model's weights. */
export interface ModelShard {
  readonly file: string;
  readonly source: ByteSource;
  /** Bytes before the first tensor. */
  readonly headerBytes: number;
  /** The file's __metadata__. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** A model's files, as its tensors count them. */
export function filesOf({ shards }: BaseModel): readonly ByteSource[] {
  return shards.map(({ source }) => source);
}

/** A model's folder: which files it has, and how to open them. */
export interface ModelFolder {
  readonly name: string;
  readonly files: readonly string[];
  open(file: string): Promise<ByteSource>;
}

/** Names of weights, as transformers and diffusers write them; another single file, such as a variant (".fp16."), is read only if it is alone. */
const SINGLE = ["model.safetensors", "diffusion_pytorch_model.safetensors"];
const INDEX = /^(model|diffusion_pytorch_model)\.safetensors\.index\.json$/;
const MAX_INDEX_BYTES = 64 << 20;

/**
 * Open a model by its headers: the shards that an index names (model.safetensors.index.json), or one file (model.safetensors).
 *
 * @throws FormatError when there are no such weights, or a file is damaged
 */
export async function openModel(folder: ModelFolder): Promise<BaseModel> {
  const { name, files } = folder;
  const index = files.find((file) => INDEX.test(file));
  if (index !== undefined) return openSharded(folder, index);
  const weights = files.filter((file) => file.endsWith(".safetensors"));
  const only = weights.find((file) => SINGLE.includes(file)) ?? weights[0];
  if (only === undefined || (weights.length > 1 && !SINGLE.includes(only))) {
    const other = files.find((file) => /\.(bin|gguf|pt|ckpt)$/.test(file));
    throw new FormatError(
      `${name} holds no ${SINGLE[0]} and no index of shards${other === undefined ? "" : ` (but ${other})`}; pass the folder of a model in safetensors, as transformers saves it.`,
    );
  }
  const source = await folder.open(only);
  const { tensors, headerBytes, metadata } = await readHeader(source);
  return {
    name,
    index: null,
    shards: [{ file: only, source, headerBytes, metadata }],
    tensors: new Map(Array.from(tensors, ([key, info]) => [key, { name: key, file: 0, ...info }])),
  };
}

async function openSharded(folder: ModelFolder, indexFile: string): Promise<BaseModel> {
  const { name } = folder;
  const where = `${name}/${indexFile}`;
  const text = await sourceText(await folder.open(indexFile), where, MAX_INDEX_BYTES);
  const index = readShardIndex(text, where);
  const missing = index.files.find((file) => !folder.files.includes(file));
  if (missing !== undefined)
    throw new FormatError(`${name} lacks ${missing}, which ${indexFile} names; download it too.`);
  const { shards, tensors } = await openShards(index, (file) => folder.open(file));
  return { name, index: { file: indexFile, text }, shards: shards.map(modelShard), tensors };
}

function modelShard({ file, source, header: { headerBytes, metadata } }: OpenShard): ModelShard {
  return { file, source, headerBytes, metadata };
}
