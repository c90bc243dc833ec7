import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { LoraLegoError, UsageError } from "../core/errors.ts";
import { listed } from "../core/listed.ts";
import { compareNaturally } from "../core/natural-order.ts";
import { readGguf } from "../formats/gguf/header.ts";
import { configNameBeside, isConfigFile, isIndexFile, isOfFolder } from "../formats/peft-folder/files.ts";
import { openFile } from "../node/files/file-source.ts";
import {
  ARCHIVE,
  holdsAdapter,
  holdsModel,
  holdsNothing,
  isAdapterFile,
  isFolder,
} from "../node/input/holds-adapter.ts";
import { RECIPE_FILE } from "../recipe/recipe-text.ts";
import { sayLine } from "./terminal.ts";

/** Texts, tables, pictures and settings. */
const NO_WEIGHTS = /\.(?:md|txt|rst|json|jsonl|ya?ml|toml|csv|tsv|html?|pdf|png|jpe?g|webp|gif|svg|py|ipynb|sh|log)$/i;
const NO_SUFFIX = /^(?:LICEN[CS]E|NOTICE|README|Makefile|\.git(?:ignore|attributes))$/i;
/** A trainer's states of one adapter. */
const CHECKPOINT = /^checkpoint-\d+$/;

/**
 * The paths of adapters among those that a user names or a shell lists: a folder that holds no adapter itself stands for those in it, and of
 * adapters/* files that cannot be adapters by their names, configs beside their weights, base models and folders with nothing in them are
 * left out, unless no path remains. Each with a notice.
 */
export async function adaptersAmong(paths: string[]): Promise<string[]> {
  return said(await sortOut(paths));
}

/**
 * As `adaptersAmong`, for commands on several adapters at once.
 *
 * @throws UsageError where one adapter remains of several paths: one that was meant may be missing
 */
export async function severalAdaptersAmong(paths: string[]): Promise<string[]> {
  const { groups, left } = await sortOut(paths);
  const [only, ...others] = groups.flatMap(({ adapters }) => adapters);
  if (left.length > 0 && others.length === 0) {
    const whys = left.map(({ path, why }) => `${path} ${why}`).join("; ");
    throw new UsageError(
      `Of these ${paths.length} paths only ${only} is an adapter: ${whys}. Name another adapter, or ${only} alone.`,
    );
  }
  return said({ groups, left });
}

/** A path with the adapters that it stands for, and the merges among its folders, which are left out. */
interface Group {
  readonly path: string;
  readonly adapters: readonly string[];
  readonly merges: readonly string[];
  /** Folders in it that hold adapters and are none. */
  readonly more: readonly string[];
}

/** Paths that may be adapters, each with the adapters that it stands for, and those that are none. */
interface Sorted {
  readonly groups: readonly Group[];
  readonly left: readonly { readonly path: string; readonly why: string }[];
}

async function sortOut(paths: readonly string[]): Promise<Sorted> {
  const left: { path: string; why: string }[] = [];
  for (const path of new Set(paths)) {
    const why = (await noAdapter(path)) ?? besideItsWeights(path, paths);
    if (why !== null) left.push({ path, why });
  }
  const others = paths.filter((path) => left.every((each) => each.path !== path));
  const kept = others.length === 0 ? paths : others;
  const groups = kept.map((path) => {
    const inside = adaptersIn(path);
    const merges = inside.filter((each) => existsSync(join(each, RECIPE_FILE)));
    const others = inside.filter((each) => !merges.includes(each));
    const more = foldersIn(path);
    if (inside.length === 0 && more.length > 0) {
      throw new UsageError(`${path} holds no adapter itself, but folders in it do; pass ${listed(more, "or")}.`);
    }
    if (others.length === 0) return { path, adapters: inside.length === 0 ? [path] : inside, merges: [], more };
    return { path, adapters: others, merges, more };
  });
  return { groups, left: others.length === 0 ? [] : left };
}

/** The adapters, after a notice of each path that is none or stands for others. */
function said({ groups, left }: Sorted): string[] {
  for (const { path, why } of left) sayLine(`${path} ${why}, and is left out.`);
  return groups.flatMap(({ path, adapters, merges, more }) => {
    if (adapters[0] !== path) {
      const names = adapters.map((each) => basename(each)).join(", ");
      const out = merges.map((each) => basename(each)).join(", ");
      const left = [
        ...(out === "" ? [] : [`merges are left out: ${out}`]),
        ...(more.length === 0 ? [] : [`adapters deeper in it are left out, so pass ${listed(more)} too`]),
      ];
      sayLine(
        `${[`${path} holds no adapter itself, and the adapters in it are taken: ${names}`, ...left].join("; ")}.`,
      );
    }
    return adapters;
  });
}

/** Why a config is no adapter of its own where a shell lists its weights too. */
function besideItsWeights(path: string, paths: readonly string[]): string | null {
  if (!isConfigFile(basename(path))) return null;
  const weights = paths.find((other) => {
    const name = basename(other);
    return isAdapterFile(name) && dirname(other) === dirname(path) && configNameBeside(name) === basename(path);
  });
  return weights === undefined ? null : `is the config of ${basename(weights)}`;
}

/** Why a path that a shell lists beside adapters is none; null if it may be one. */
async function noAdapter(path: string): Promise<string | null> {
  if (ARCHIVE.test(path) && isFile(path)) return "is an archive, which has to be unpacked first";
  if (liesBeside(path)) return "is no adapter by its name";
  if (holdsModel(path) || (await isModelGguf(path))) return "is a base model, no adapter";
  return holdsNothing(path) ? "holds no adapter" : null;
}

/** Whether a file is a GGUF whose metadata calls it a model, or does not say what it is, as those of older models. */
async function isModelGguf(path: string): Promise<boolean> {
  if (!path.endsWith(".gguf") || !isFile(path)) return false;
  const file = openFile(path, path);
  try {
    return ((await readGguf(file)).metadata.get("general.type") ?? "model") === "model";
  } catch (error) {
    // What is damaged is said when it is read as an adapter.
    if (error instanceof LoraLegoError) return false;
    throw error;
  } finally {
    file.close();
  }
}

function liesBeside(path: string): boolean {
  const name = basename(path);
  if (isConfigFile(name) || isIndexFile(name)) return false;
  return (NO_WEIGHTS.test(name) || NO_SUFFIX.test(name)) && isFile(path);
}

/** The adapters in a folder that is none: its files of weights, or else its folders. Checkpoints of one training are not several. */
function adaptersIn(path: string): string[] {
  if (!isFolder(path)) return [];
  const names = readdirSync(path).sort(compareNaturally);
  if (names.some(isOfFolder)) return [];
  if (names.some(isAdapterFile)) return filesIn(path);
  return names
    .filter((name) => !CHECKPOINT.test(name) && holdsAdapter(join(path, name)))
    .map((name) => join(path, name))
    .flatMap((folder) => {
      const files = filesIn(folder);
      return files.length === 0 ? folder : files;
    });
}

/** The folders in one that is no adapter which are none either, but hold some. */
function foldersIn(path: string): string[] {
  if (!isFolder(path) || readdirSync(path).some(isOfFolder)) return [];
  return readdirSync(path)
    .filter((name) => !CHECKPOINT.test(name) && !name.startsWith("."))
    .sort(compareNaturally)
    .map((name) => join(path, name))
    .filter(
      (folder) => isFolder(folder) && !holdsAdapter(folder) && !holdsModel(folder) && adaptersIn(folder).length > 0,
    );
}

/** The files of weights in a folder that holds several adapters; none where it is one itself. */
function filesIn(folder: string): string[] {
  const names = readdirSync(folder).sort(compareNaturally);
  const files = names.filter(isAdapterFile);
  return names.some(isOfFolder) || files.length < 2 ? [] : files.map((name) => join(folder, name)).filter(isFile);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
