import { copyFileSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { UsageError } from "../core/errors.ts";
import { type BaseConfig, parseBaseConfig } from "../fuse/base-config.ts";
import type { ModelFolder } from "../fuse/base-model.ts";
import { type FileSource, openFile } from "./file-source.ts";

/** A model's folder on disk, its files open until it is closed. */
export interface DiskModel extends ModelFolder {
  readonly path: string;
  close(): void;
}

/** Weights in other formats, and what belongs to the base alone. */
const LEFT = /\.(safetensors|bin|pt|pth|gguf|h5|msgpack|onnx|ot)$|^README\.md$|^\./;
const INDEX = /\.safetensors\.index\.json$/;

/** @throws UsageError when there is no such folder */
export function diskModel(path: string): DiskModel {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) {
    throw new UsageError(
      stat === undefined
        ? `There is no folder ${path}; pass the folder of a model, as transformers saves it.`
        : `${path} is a file; pass the folder of a model, as transformers saves it, or a part of a pipeline's, as diffusers does (from_single_file, save_pretrained).`,
    );
  }
  const name = basename(resolve(path));
  const opened: FileSource[] = [];
  return {
    path,
    name,
    files: readdirSync(path).sort(),
    async open(file) {
      const source = openFile(join(path, file), `${name}/${file}`);
      opened.push(source);
      return source;
    },
    close() {
      for (const source of opened) source.close();
    },
  };
}

/** A model's config.json; null where it has none. */
export function baseConfigOf({ path, name, files }: DiskModel): BaseConfig | null {
  if (!files.includes("config.json")) return null;
  return parseBaseConfig(readFileSync(join(path, "config.json"), "utf8"), `${name}/config.json`);
}

/** Copy what a model has beside its weights (config, tokenizer, index of shards). @returns the names */
export function copyBeside({ path, files }: DiskModel, to: (file: string) => string, index: boolean): string[] {
  const copied = files.filter((file) => {
    if (LEFT.test(file) || !statSync(join(path, file)).isFile()) return false;
    return index || !INDEX.test(file);
  });
  for (const file of copied) copyFileSync(join(path, file), to(file));
  return copied;
}
