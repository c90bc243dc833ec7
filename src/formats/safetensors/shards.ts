import type { ByteSource } from "../../core/bytes.ts";
import { FormatError } from "../../core/errors.ts";
import { isJsonObject, type JsonValue, parseStrictJson, showJson } from "../json.ts";
import { readHeader, type SafetensorsHeader, type TensorInfo } from "./header.ts";

/** The content of a *.safetensors.index.json: which tensor is in which file next to it. */
export interface ShardIndex {
  /** What messages call the index. */
  readonly name: string;
  /** The distinct shard file names, sorted. */
  readonly files: readonly string[];
  /** The file name of each tensor. */
  readonly weightMap: ReadonlyMap<string, string>;
}

/** A tensor and the shard that holds it. */
export interface ShardTensor {
  readonly file: string;
  /** Its offsets count from the start of `file`. */
  readonly info: TensorInfo;
}

/** No separators, no drives or streams ("C:x"), and ".." is ruled out by the suffix: an index cannot point outside its folder. */
const SHARD_NAME = /^[^/\\:\p{Cc}]+\.safetensors$/u;

/**
 * Parse a *.safetensors.index.json. Fields other than `weight_map` are ignored (`metadata.total_size` is written
 * differently by different tools).
 * @param name what messages call the index.
 * @throws FormatError when it is not such an index, or names a shard that is not a plain *.safetensors file name.
 */
export function readShardIndex(text: string, name: string): ShardIndex {
  const root: JsonValue = parseStrictJson(text, name);
  const map = isJsonObject(root) ? root.weight_map : undefined;
  if (!isJsonObject(map)) {
    throw new FormatError(
      `${name} must have an object "weight_map" from tensor names to file names, but has ${showJson(map)}; download it again, or pass the .safetensors files themselves.`,
    );
  }
  const weightMap = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== "string" || !SHARD_NAME.test(file)) {
      throw new FormatError(
        `${name}: tensor ${showJson(tensor)} is listed in ${showJson(file)}, but a shard must be a plain *.safetensors file name in the index's own folder; correct the index.`,
      );
    }
    weightMap.set(tensor, file);
  }
  return { name, files: [...new Set(weightMap.values())].sort(), weightMap };
}

/**
 * Join the headers of all shards into one set of tensors, in the order of the files and of the data in each.
 * @param headers the header of each file of `index.files`, by that name.
 * @throws FormatError when a shard's header is not given, or a tensor is missing, in two shards, in another than the index says, or not in
 * the index.
 */
export function joinShards(
  index: ShardIndex,
  headers: ReadonlyMap<string, SafetensorsHeader>,
): ReadonlyMap<string, ShardTensor> {
  const fix = "download the index and its shards again, all of one revision";
  const joined = new Map<string, ShardTensor>();
  for (const file of index.files) {
    const header = headers.get(file);
    if (header === undefined) throw new FormatError(`${index.name}: the shard ${file} is missing; ${fix}.`);
    for (const [tensor, info] of header.tensors) {
      const twin = joined.get(tensor);
      if (twin !== undefined) {
        throw new FormatError(
          `${index.name}: tensor ${showJson(tensor)} is in two shards, ${twin.file} and ${file}; ${fix}.`,
        );
      }
      joined.set(tensor, { file, info });
    }
  }
  for (const [tensor, file] of index.weightMap) {
    const found = joined.get(tensor)?.file ?? "no shard";
    if (found !== file) {
      throw new FormatError(
        `${index.name}: tensor ${showJson(tensor)} should be in ${file}, but is in ${found}; ${fix}.`,
      );
    }
  }
  for (const [tensor, { file }] of joined) {
    if (!index.weightMap.has(tensor)) {
      throw new FormatError(`${file}: tensor ${showJson(tensor)} is not listed in ${index.name}; ${fix}.`);
    }
  }
  return joined;
}

/** A tensor in one of several files. */
interface ShardedTensor extends TensorInfo {
  readonly name: string;
  /** Index of its file among the shards. */
  readonly file: number;
}

/** One of several files, with its header. */
export interface OpenShard {
  readonly file: string;
  readonly source: ByteSource;
  readonly header: SafetensorsHeader;
}

/**
 * Open the shards that an index names, in the order of their names, and find each tensor in one of them.
 *
 * @throws FormatError where a shard is damaged or does not hold what the index says
 */
export async function openShards(
  index: ShardIndex,
  open: (file: string) => Promise<ByteSource>,
): Promise<{ readonly shards: readonly OpenShard[]; readonly tensors: ReadonlyMap<string, ShardedTensor> }> {
  const sources = await Promise.all(index.files.map(open));
  const shards: OpenShard[] = [];
  for (const [i, source] of sources.entries())
    shards.push({ file: index.files[i]!, source, header: await readHeader(source) });
  const joined = joinShards(index, new Map(shards.map(({ file, header }) => [file, header])));
  const tensors = new Map(
    Array.from(joined, ([name, { file, info }]) => [name, { name, file: index.files.indexOf(file), ...info }]),
  );
  return { shards, tensors };
}
