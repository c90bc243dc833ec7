import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { type BaseConfig, parseBaseConfig } from "../../fuse/base-config.ts";
import type { ModelFolder } from "../../fuse/base-model.ts";
import { type FileSource, openFile } from "../files/file-source.ts";
import { refuseForeignFile } from "../files/own-file.ts";
import { LARGE_TEXT_BYTES, readText } from "../files/read-text.ts";

/** A model folder on disk; its files stay open until it is closed. Links out of the folder are refused. */
export interface DiskModel extends ModelFolder {
  readonly path: string;
  /** The text of a file. */
  text(file: string): string;
  close(): void;
}

/** Files that are not copied: weights in other formats, and what belongs to the base alone. */
const LEFT = /\.(safetensors|bin|pt|pth|gguf|h5|msgpack|onnx|ot)$|^README\.md$|^\./;

/** A model's folder, or a single .safetensors file, such as a checkpoint of an image model. @throws UsageError when there is no such thing */
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
  const name = basename(resolve(given));
  const opened: FileSource[] = [];
  return {
    path,
    name,
    files: alone ? [basename(given)] : readdirSync(path).sort(),
    async open(file) {
      refuseForeignFile(path, file, name);
      const source = openFile(join(path, file), `${name}/${file}`);
      opened.push(source);
      return source;
    },
    text(file) {
      refuseForeignFile(path, file, name);
      return readText(join(path, file), { name: `${name}/${file}`, most: LARGE_TEXT_BYTES });
    },
    close() {
      for (const source of opened) source.close();
    },
  };
}

/** A model's config.json; null if it has none. */
export function baseConfigOf({ text, name, files }: DiskModel): BaseConfig | null {
  if (!files.includes("config.json")) return null;
  return parseBaseConfig(text("config.json"), `${name}/config.json`);
}

/** Names of the files to copy along with the weights: config, tokenizer, shard index. @throws RefusedError for links out of the folder */
export function filesBeside({ path, name, files }: DiskModel): string[] {
  const beside = files.filter((file) => !LEFT.test(file) && statSync(join(path, file)).isFile());
  for (const file of beside) refuseForeignFile(path, file, name);
  return beside;
}
