import { statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { sourceText } from "../../adapter/container.ts";
import { type BaseFacts, configFacts, ggufFacts, modelFacts } from "../../analysis/base-facts.ts";
import type { ByteSource } from "../../core/bytes.ts";
import { UsageError } from "../../core/errors.ts";
import { readGguf } from "../../formats/gguf/header.ts";
import { isJsonObject, parseStrictJson } from "../../formats/json.ts";
import { type ModelConfig, parseModelConfig } from "../../formats/model-config.ts";
import { type ModelFolder, openModel } from "../../fuse/base-model.ts";
import { isHubPath } from "../../remote/hub/hub-path.ts";
import { openFile } from "../files/file-source.ts";
import { type HubOptions, streamedHubFolder } from "../remote/hub-adapters.ts";
import { readBaseConfig } from "./base-config.ts";
import { diskModel } from "./model-folder.ts";

const CONFIG = "config.json";
const WEIGHTS = /\.(safetensors|gguf)$/;
/** A file in a repository, or in one of its folders. */
const HUB_FILE = /^(hf:\/\/[^/]+\/[^/]+(?:\/.*)?)\/([^/]+\.(?:safetensors|gguf))$/;
const SHARD = /-\d{5}-of-\d{5}\.safetensors$/;

/** A base model as a user names it. */
export interface BasePaths {
  /** A folder in safetensors, one file of weights (.safetensors, .gguf), or hf://owner/name[/file]. */
  readonly base?: string;
  /** A config.json, which overrides the one next to the weights. */
  readonly baseConfig?: string;
}

/**
 * Read what headers and config.json say about a base model; for models on the Hub only these bytes are fetched.
 *
 * @returns null if no base is named
 * @throws UsageError, FormatError or RemoteError in one sentence each
 */
export async function openBase({ base, baseConfig }: BasePaths, options: HubOptions = {}): Promise<BaseFacts | null> {
  const text = readBaseConfig(baseConfig);
  const config = text === null ? null : parseModelConfig(text.text, text.where);
  if (base === undefined) return config === null ? null : configFacts(text!.where, config);
  const { folder, file, close } = await placeOf(base, options);
  try {
    const facts = await readFacts(folder, file);
    return config === null ? facts : { ...facts, config, ...onlyOf(configFacts(facts.name, config), facts) };
  } finally {
    close();
  }
}

/** What a config decides even if the weights are known: tied weights, and the family if the weights do not show it. */
function onlyOf(config: BaseFacts, { family, naming, tied }: BaseFacts): Pick<BaseFacts, "family" | "tied"> {
  return naming === "gguf" ? { family: family ?? config.family, tied } : { family: config.family, tied: config.tied };
}

/** A base's folder, and the one file in it that is meant; null for the whole folder. */
interface BasePlace {
  readonly folder: ModelFolder;
  readonly file: string | null;
  close(): void;
}

async function placeOf(path: string, options: HubOptions): Promise<BasePlace> {
  if (isHubPath(path)) {
    const [, above, file] = HUB_FILE.exec(path) ?? [];
    return { folder: await streamedHubFolder(above ?? path, options), file: file ?? null, close: () => {} };
  }
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  if (isFile && !WEIGHTS.test(path)) {
    throw new UsageError(
      `${path} is not a model; pass its folder, its .safetensors or .gguf file, or --base-config for a config.json.`,
    );
  }
  if (isFile) return placeOfFile(path);
  const folder = diskModel(path);
  return { folder, file: null, close: () => folder.close() };
}

/** A file that the user names may be a link to anywhere; its folder's config.json must be the folder's own. */
function placeOfFile(path: string): BasePlace {
  const folder = diskModel(dirname(path));
  const file = basename(path);
  const source = openFile(path, `${folder.name}/${file}`);
  const open = async (each: string): Promise<ByteSource> => (each === file ? source : folder.open(each));
  const close = (): void => {
    source.close();
    folder.close();
  };
  return { folder: { ...folder, open }, file, close };
}

async function readFacts(folder: ModelFolder, file: string | null): Promise<BaseFacts> {
  const { name, files } = folder;
  const ggufs = files.filter((each) => each.endsWith(".gguf"));
  const alone = file === null && !files.some((each) => each.endsWith(".safetensors")) && ggufs.length === 1;
  const gguf = alone ? ggufs[0]! : file?.endsWith(".gguf") ? file : null;
  if (gguf !== null) return openedGguf(gguf, await folder.open(gguf));
  if (file !== null && SHARD.test(file)) {
    throw new UsageError(`${file} is one of several files of ${name}; pass its folder.`);
  }
  const config = files.includes(CONFIG) ? await folderConfig(folder) : null;
  const chosen = file === null ? folder : { ...folder, files: [file], open: (each: string) => folder.open(each) };
  return modelFacts(await openModel(chosen), config);
}

async function openedGguf(file: string, source: ByteSource): Promise<BaseFacts> {
  const header = await readGguf(source);
  if (header.metadata.get("general.type") !== "adapter") return ggufFacts(file, header);
  throw new UsageError(`${file} is an adapter; pass the GGUF file of the base model.`);
}

/** A model's own config.json; null for part of an image pipeline, whose config has no model_type. */
async function folderConfig(folder: ModelFolder): Promise<ModelConfig | null> {
  const where = `${folder.name}/${CONFIG}`;
  const text = await sourceText(await folder.open(CONFIG), where);
  const fields = parseStrictJson(text, where);
  return isJsonObject(fields) && !("model_type" in fields) ? null : parseModelConfig(text, where);
}
