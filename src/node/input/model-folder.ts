import { readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
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

/** @throws UsageError when there is no such folder */
export function diskModel(path: string): DiskModel {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) {
    throw new UsageError(
      stat === undefined
        ? `There is no folder ${path}; pass a model folder, as transformers saves it.`
        : `${path} is a file; pass a model folder as transformers saves it, or one part of a pipeline folder as diffusers saves it (from_single_file, save_pretrained).`,
    );
  }
  const name = basename(resolve(path));
  const opened: FileSource[] = [];
  return {
    path,
    name,
    files: readdirSync(path).sort(),
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
