import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { CONFIG_FILE, hasWeightsName, isConfigFile, isIndexFile } from "../../formats/peft-folder/files.ts";
import { readShardIndex } from "../../formats/safetensors/shards.ts";
import { type BaseConfig, parseBaseConfig } from "../../fuse/base-config.ts";
import type { ModelFolder } from "../../fuse/base-model.ts";
import { type FileSource, openFile } from "../files/file-source.ts";
import { refuseForeignFile } from "../files/own-file.ts";
import { LARGE_TEXT_BYTES, readText } from "../files/read-text.ts";

/** A model folder on disk; its files stay open until it is closed. Links out of the folder are refused. */
export interface DiskModel extends ModelFolder {
  readonly path: string;
  /** What messages call a file. */
  label(file: string): string;
  /** The text of a file. */
  text(file: string): string;
  close(): void;
}

const CONFIG = "config.json";
const MODEL = /^(?:model|diffusion_pytorch_model)[.-]/;
/** How programs name the files of a model of several. */
const SHARD = /-\d{5}-of-(?!00001)\d{5}\.safetensors$/;
/** Files that are not copied: weights in other formats, and what belongs to the base alone. */
const LEFT = /\.(safetensors|bin|pt|pth|gguf|h5|msgpack|onnx|ot)$|^README\.md$|^\./;

/**
 * A model's folder, or a single .safetensors file, such as a checkpoint of an image model, with the config.json beside it, if there is one.
 *
 * @throws UsageError when there is no such thing, and for one of several files
 */
export function diskModel(given: string): DiskModel {
  const stat = statSync(given, { throwIfNoEntry: false });
  const alone = stat?.isFile() === true && given.toLowerCase().endsWith(".safetensors");
  const path = alone ? dirname(given) : given;
  if (!alone && !stat?.isDirectory()) {
    throw new UsageError(
      stat === undefined
        ? `There is no folder ${given}; pass a model folder, as transformers saves it.`
        : `${given} is a file, but not in safetensors; pass a model folder as transformers saves it, one part of a pipeline folder as diffusers saves it, or a .safetensors checkpoint.`,
    );
  }
  if (alone ? hasWeightsName(basename(given)) : holdsOnlyAdapter(path)) {
    throw new UsageError(
      `${given} is an adapter, not a base model; pass the model that it was trained on (its ${CONFIG_FILE} may name it).`,
    );
  }
  const name = basename(resolve(given));
  if (alone) refuseShard(path, name);
  const label = (file: string): string => (alone ? file : `${name}/${file}`);
  const opened: FileSource[] = [];
  return {
    path,
    name,
    files: alone ? [name, ...[CONFIG].filter((file) => existsSync(join(path, file)))] : readdirSync(path).sort(),
    label,
    async open(file) {
      refuseForeignFile(path, file, name);
      const source = openFile(join(path, file), label(file));
      opened.push(source);
      return source;
    },
    text(file) {
      refuseForeignFile(path, file, name);
      return readText(join(path, file), { name: label(file), most: LARGE_TEXT_BYTES });
    },
    close() {
      for (const source of opened) source.close();
    },
  };
}

/** Whether a folder holds an adapter's config and no model's weights. */
function holdsOnlyAdapter(path: string): boolean {
  const names = readdirSync(path);
  return names.some(isConfigFile) && !names.includes(CONFIG) && !names.some((name) => MODEL.test(name));
}

/** Refuse one of several files of a model, by its name or by an index beside it. */
function refuseShard(path: string, file: string): void {
  const among = (index: string): boolean => {
    const where = join(path, index);
    const { files } = readShardIndex(readText(where, { most: LARGE_TEXT_BYTES }), where);
    return files.length > 1 && files.includes(file);
  };
  if (!SHARD.test(file) && !readdirSync(path).filter(isIndexFile).some(among)) return;
  throw new UsageError(`${file} is one of several files of a model; pass the folder ${path}.`);
}

/** A model's config.json; null if it has none. */
export function baseConfigOf({ text, label, files }: DiskModel): BaseConfig | null {
  return files.includes(CONFIG) ? parseBaseConfig(text(CONFIG), label(CONFIG)) : null;
}

/** Names of the files to copy along with the weights: config, tokenizer, shard index. @throws RefusedError for links out of the folder */
export function filesBeside({ path, name, files }: DiskModel): string[] {
  const beside = files.filter((file) => !LEFT.test(file) && statSync(join(path, file)).isFile());
  for (const file of beside) refuseForeignFile(path, file, name);
  return beside;
}
