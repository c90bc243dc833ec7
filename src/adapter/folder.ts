import type { ByteSource } from "../core/bytes.ts";
import { FormatError, RefusedError } from "../core/errors.ts";
import {
  CONFIG_FILE,
  configNameBeside,
  GGUF_WEIGHTS_FILE,
  hasWeightsName,
  isConfigFile,
  isIndexFile,
  PICKLED_WEIGHTS_FILE,
  WEIGHTS_FILE,
} from "../formats/peft-folder/files.ts";
import type { AdapterFileNames } from "./adapter.ts";

/** What a user passes as one adapter: a folder on disk, files dropped on a page, a repository. */
export interface AdapterFolder {
  /** What messages and reports call it: the folder's own name. */
  readonly name: string;
  /** Names of the files in it. */
  readonly files: readonly string[];
  /** Names of its subfolders that hold adapters or checkpoints. */
  readonly folders: readonly string[];
  /** A source named "<folder>/<file>". */
  open(file: string): Promise<ByteSource>;
}

/** A name that ends in that of a file of weights, with a number behind it where two adapters have it. */
const NAMED_AFTER_FILE = /^(.*\/)?[^/]+\.(?:safetensors|gguf|bin|pth?)(?: \(\d+\))?$/;

/** What messages call a file of an adapter: by the adapter's name, or by its folder's where the adapter is named after a file. */
export function fileOf(adapter: string, file: string): string {
  const named = NAMED_AFTER_FILE.exec(adapter);
  return `${named === null ? `${adapter}/` : (named[1] ?? "")}${file}`;
}

/** What is known about a folder before any file is opened. */
type FolderNames = Omit<AdapterFolder, "open">;

/**
 * An AdapterFolder made from given sources, by file name: dropped files, downloads, bytes in memory.
 *
 * @example
 * ```ts
 * import { adapterFolder, memorySource, openAdapter } from "lora-lego";
 * import { readFile } from "node:fs/promises";
 *
 * const files = ["adapter_config.json", "adapter_model.safetensors"];
 * const sources = files.map(async (file) => [file, memorySource(file, await readFile(`adapters/sort/${file}`))]);
 * const folder = adapterFolder("sort", Object.fromEntries(await Promise.all(sources)));
 * console.log((await openAdapter(folder)).modules.size); // 21
 * ```
 */
export function adapterFolder(name: string, files: Readonly<Record<string, ByteSource>>): AdapterFolder {
  return {
    name,
    files: Object.keys(files),
    folders: [],
    async open(file) {
      if (!Object.hasOwn(files, file)) {
        throw new FormatError(`${fileOf(name, file)} is missing; add it to the adapter's files.`);
      }
      return files[file]!;
    },
  };
}

const SHARD = /-\d{5}-of-\d{5}\.safetensors$/;
const PICKLE = /\.(bin|pt|pth)$/;
/** What trainers save next to an adapter. */
const TRAINERS = /^(training_args|optimizer|scheduler|scaler|rng_state|random_states)/;

/**
 * Choose the adapter's files: those with PEFT's names, else the only file of the right kind (browsers write
 * "adapter_model (1).safetensors").
 *
 * @throws RefusedError when the folder holds no weights, weights that are not read, or several adapters
 */
export function chooseFiles(folder: FolderNames): AdapterFileNames {
  const configs = folder.files.filter(isConfigFile);
  const index = folder.files.find(isIndexFile);
  const single = folder.files.filter((file) => file.endsWith(".safetensors") && !SHARD.test(file));
  if (single.length === 0 && index !== undefined) {
    return { weights: index, sharded: true, config: pickConfig(folder, configs, index) };
  }
  const named = single.includes("adapters.safetensors") ? "adapters.safetensors" : WEIGHTS_FILE;
  const pickles = folder.files.filter((file) => PICKLE.test(file) && !TRAINERS.test(file));
  const ggufs = folder.files.filter((file) => file.endsWith(".gguf"));
  const weights =
    pick(folder, named, ofAdapter(single), "adapters") ??
    pick(folder, PICKLED_WEIGHTS_FILE, ofAdapter(pickles), "adapters") ??
    pick(folder, GGUF_WEIGHTS_FILE, ggufs, "adapters");
  if (weights === null) throw noWeights(folder, configs[0] ?? null);
  return { weights, sharded: false, config: pickConfig(folder, configs, weights) };
}

/** The config of the same suffix as the weights ("adapter_model (1).safetensors" has "adapter_config (1).json"), else PEFT's. */
function pickConfig(folder: FolderNames, configs: string[], weights: string): string | null {
  const twin = configNameBeside(weights);
  return configs.includes(twin) ? twin : pick(folder, CONFIG_FILE, configs, "configs");
}

/** The files with PEFT's names, where there are any; else all. */
function ofAdapter(files: readonly string[]): string[] {
  const ours = files.filter(hasWeightsName);
  return ours.length > 0 ? ours : [...files];
}

function pick(folder: FolderNames, preferred: string, candidates: string[], what: string): string | null {
  if (candidates.includes(preferred)) return preferred;
  if (candidates.length > 1) {
    const kind = what === "adapters" ? "pass one of these files" : "keep the one that belongs to the weights";
    throw new RefusedError(`${folder.name} holds several ${what} (${list(candidates)}); ${kind}.`);
  }
  return candidates[0] ?? null;
}

function noWeights(folder: FolderNames, config: string | null): Error {
  const { name, files, folders } = folder;
  if (folders.length > 0) {
    return new RefusedError(
      `${name} holds no adapter itself but ${folders.length === 1 ? "one folder" : `${folders.length} folders`} with adapters (${list(folders)}); pass one of them.`,
    );
  }
  const shard = files.find((file) => SHARD.test(file));
  if (shard !== undefined) {
    return new FormatError(
      `${name} holds ${shard} but no index next to it (${shard.replace(SHARD, "")}.safetensors.index.json), which says where each tensor is; download or copy it too.`,
    );
  }
  if (config !== null) {
    return new RefusedError(
      `${name} has ${config} but no weights next to it; add ${WEIGHTS_FILE} (git or the download may have left it out).`,
    );
  }
  if (files.includes("training_args.bin")) {
    return new RefusedError(
      `${name} holds training_args.bin, which holds the trainer's settings, not an adapter; pass the folder that holds ${WEIGHTS_FILE}.`,
    );
  }
  return new FormatError(`${name} holds no adapter: expected ${CONFIG_FILE} and ${WEIGHTS_FILE}.`);
}

/** "a, b, c and 4 more". */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}
