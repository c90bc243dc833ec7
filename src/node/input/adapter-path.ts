import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Adapter } from "../../adapter/adapter.ts";
import type { BasedOptions, ReadingOptions } from "../../adapter/container.ts";
import { type AdapterFolder, fileOf } from "../../adapter/folder.ts";
import { openBased } from "../../adapter/open.ts";
import type { ByteSource } from "../../core/bytes.ts";
import { FormatError, UsageError } from "../../core/errors.ts";
import { nearest } from "../../core/suggest.ts";
import { CONFIG_FILE, hasWeightsName, isConfigFile } from "../../formats/peft-folder/files.ts";
import { isRemotePath, remoteName } from "../../remote/remote-path.ts";
import { isNamedWebFile, isWebPath, parseWebPath, withoutSecrets } from "../../remote/web/web-path.ts";
import { type Call, checkCall, type OptionTable } from "../call/check-call.ts";
import { BASE_CONFIG, HUB, PATH, PATHS, SWITCH, TEXT } from "../call/rules.ts";
import { type FileSource, openFile } from "../files/file-source.ts";
import { isThere } from "../files/is-there.ts";
import type { HubOptions } from "../remote/hub-adapters.ts";
import { fetchedPath, recordedPath, streamedFolder } from "../remote/remote-adapters.ts";
import { ARCHIVE, holdsAdapter, isFolder } from "./holds-adapter.ts";

/** An open adapter, on disk or on a server. */
export interface DiskAdapter {
  readonly adapter: Adapter;
  /** The folder that holds it; null if it is read from a server by range. */
  readonly folder: string | null;
  /** Its weight files on disk. */
  readonly files: readonly FileSource[];
  /** Close its files. */
  close(): void;
}

/** How to open adapters. */
export interface OpenOptions extends HubOptions, ReadingOptions {
  /** Read adapters on servers (hf://, https://) by range instead of downloading them. Default false. */
  readonly stream?: boolean;
}

/** How to open one adapter. */
export interface NamedOptions extends OpenOptions {
  /** What messages call it. Default: the folder's own name, the file's, the name on the Hub, or the address without its scheme. */
  readonly name?: string;
}

/** Rules for the options that say where adapters come from, and how they are opened. */
export const INPUT: OptionTable<Omit<OpenOptions, "baseConfig">> = { ...HUB, stream: SWITCH };
export const OPENING: OptionTable<OpenOptions> = { ...INPUT, baseConfig: BASE_CONFIG };
const OPEN_ALL: Call<OpenOptions> = { name: "openAdapters", takes: { paths: PATHS }, options: OPENING };
const OPEN: Call<NamedOptions> = {
  name: "openAdapterPath",
  takes: { path: PATH },
  options: { ...OPENING, name: TEXT },
};

/**
 * Open the adapters at these paths, each a folder, a file in one, a path on the Hub (hf://owner/name), or an address
 * (https://host/folder or a file in one). Each is named after its folder or its file, with the parent folder if two names are equal, or as
 * on the Hub, or by its address without the scheme.
 *
 * @example
 * ```ts
 * import { openAdapters } from "lora-lego/node";
 *
 * const opened = await openAdapters(["adapters/reverse", "adapters/sort"]);
 * for (const { close } of opened) close();
 * console.log(opened.map(({ adapter }) => adapter.name)); // [ 'reverse', 'sort' ]
 * ```
 */
export async function openAdapters(paths: readonly string[], options: OpenOptions = {}): Promise<DiskAdapter[]> {
  checkCall(OPEN_ALL, [paths, options]);
  return diskAdapters(paths, options);
}

/** `openAdapters` for callers that have checked their options, and may pass others with them. */
export async function diskAdapters(paths: readonly string[], options: OpenOptions): Promise<DiskAdapter[]> {
  const shown: string[] = [];
  for (const path of paths) shown.push(withoutSecrets(path, shown));
  const names = distinctNames(shown);
  const opened: DiskAdapter[] = [];
  try {
    for (const [i, path] of shown.entries()) opened.push(await diskAdapter(path, { ...options, name: names[i]! }));
  } catch (error) {
    for (const adapter of opened) adapter.close();
    throw error;
  }
  return opened;
}

/**
 * Open one adapter: a folder, a file in one, a path on the Hub, or an address.
 *
 * @example
 * ```ts
 * import { openAdapterPath } from "lora-lego/node";
 *
 * const { adapter, close } = await openAdapterPath("adapters/sort");
 * close();
 * console.log(adapter.name, adapter.format); // sort peft
 * ```
 */
export async function openAdapterPath(path: string, options: NamedOptions = {}): Promise<DiskAdapter> {
  checkCall(OPEN, [path, options]);
  return diskAdapter(path, options);
}

/** `openAdapterPath` for callers that have checked their options, and may pass others with them. */
export async function diskAdapter(path: string, options: NamedOptions & BasedOptions): Promise<DiskAdapter> {
  const { name = shortName(path) } = options;
  if (options.stream && isRemotePath(path)) {
    const adapter = await openBased({ ...(await streamedFolder(path, options)), name }, options);
    return { adapter, folder: null, files: [], close: () => {} };
  }
  const opened: FileSource[] = [];
  const local = isRemotePath(path) ? await fetchedPath(path, options) : path;
  const folder = diskFolder(local, name, opened);
  const close = (): void => {
    for (const file of opened) file.close();
  };
  try {
    const adapter = await openBased(folder.view, options);
    return { adapter, folder: folder.path, files: adapter.files.filter(isFile), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Paths that must not be overwritten. An input's files may be links into another folder, which must not be replaced either. */
export function inputPaths(paths: readonly string[], opened: readonly DiskAdapter[]): string[] {
  return [
    ...paths.filter((path) => !isRemotePath(path)),
    ...opened.flatMap(({ files }) => files.map(({ path }) => path)),
  ];
}

function isFile(source: ByteSource): source is FileSource {
  return "path" in source;
}

function diskFolder(path: string, name: string, opened: FileSource[]): { path: string; view: AdapterFolder } {
  if (path === "") throw new UsageError("The path of an adapter is empty; pass its folder or file.");
  const full = resolve(path);
  const stat = statSync(full, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new UsageError(
      isThere(full)
        ? `${path} is a broken link: what it points to is not there; download or copy the adapter again.`
        : `There is no file or folder ${path}; ${meant(path)}`,
    );
  }
  if (!stat.isDirectory() && !stat.isFile()) {
    throw new UsageError(`${path} is a pipe or device, not a regular file; save its output to a file and pass that.`);
  }
  const folder = stat.isDirectory() ? full : dirname(full);
  if (stat.isFile() && isText(basename(full))) {
    const instead = !holdsAdapter(folder)
      ? "pass an adapter's folder or file"
      : dirname(path) === "."
        ? "pass the current folder (./), which holds the adapter"
        : `pass the adapter's folder, ${dirname(path)}`;
    throw new UsageError(`${path} is a text by its name, no adapter; ${instead}.`);
  }
  if (stat.isFile() && ARCHIVE.test(full)) {
    throw new UsageError(`${path} is an archive; unpack it, and pass the folder with the adapter.`);
  }
  const entries = readdirSync(folder).sort();
  const folders = entries.filter((entry) => isFolder(join(folder, entry)));
  let files = entries.filter((entry) => !folders.includes(entry));
  // A weights file that is passed itself is chosen among several; of the rest only the configs next to it stay in view.
  const own = isWeights(full);
  if (own) files = files.filter((file) => file === basename(full) || file.endsWith(".json"));
  const view: AdapterFolder = {
    name,
    files,
    folders: own ? [] : folders.filter((entry) => holdsAdapter(join(folder, entry))),
    async open(file) {
      const path = join(folder, file);
      if (!existsSync(path)) {
        throw new FormatError(`${fileOf(name, file)} is missing or a broken link; download or copy the adapter again.`);
      }
      const source = openFile(path, fileOf(name, file));
      opened.push(source);
      return source;
    },
  };
  return { path: folder, view };
}

/** What to pass in place of a path where nothing is: what is read, a neighbour of nearly this name, or what looks like an adapter on the Hub as one. */
function meant(path: string): string {
  const [, scheme] = /^([a-z][\w+.-]*):\/\//i.exec(path) ?? [];
  if (scheme?.toLowerCase() === "file") return "pass the path on this machine, without file://.";
  if (scheme !== undefined)
    return `${scheme}:// is not read, only https://, http:// and hf://; download it and pass that.`;
  const [folder, name] = [dirname(path), basename(path)];
  const beside = nearest(name, isFolder(folder) ? readdirSync(folder) : []);
  if (beside !== null) return `did you mean ${join(folder, beside)}?`;
  const hub = /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(path) ? `, or hf://${path} for one on the Hub` : "";
  return `pass the folder that holds ${CONFIG_FILE}${hub}.`;
}

/** Whether a file that a user passed is a card, a recipe or a table by its name, and no config either. */
function isText(name: string): boolean {
  return /\.(?:md|txt|rst|jsonl|ya?ml|csv|tsv|html?|pdf)$/i.test(name);
}

/** Whether a path that a user passed is a file other than an adapter's config, which stands for its folder. */
function isWeights(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true && !isConfigFile(basename(path));
}

/** The last `parts` names of the folder that holds an adapter. */
function nameOf(path: string, parts: number): string {
  if (isRemotePath(path)) return remoteName(path);
  const full = resolve(path);
  const isFile = existsSync(full) && !isFolder(full);
  const folder = isFile ? dirname(full) : full;
  const name = folder.split(/[/\\]/).slice(-parts).join("/");
  return isNamedFile(path) ? `${name}/${basename(full)}` : name;
}

/** Whether a path that a user passed is a file of weights with a name of its own. */
export function isNamedFile(path: string): boolean {
  if (isWebPath(path)) return isNamedWebFile(parseWebPath(path));
  const full = resolve(path);
  return isWeights(full) && !hasWeightsName(basename(full));
}

/**
 * Each path as recipes name it on any machine: on the Hub with its commit; on another server by address; else relative to a folder that holds the adapters. That is the
 * folder's own name, with as many parent folders as it takes to tell it from others of that name.
 */
export function localPaths(paths: readonly string[]): string[] {
  const parts = (path: string): number => resolve(path).split(/[/\\]/).length;
  const others = (path: string): string[] => paths.filter((other) => resolve(other) !== resolve(path));
  return paths.map((path) => {
    if (isRemotePath(path)) return recordedPath(path);
    let count = 1;
    while (count < parts(path) && others(path).some((other) => nameOf(other, count) === nameOf(path, count))) count++;
    return nameOf(path, count);
  });
}

/** What an adapter is called by itself: a file with a name of its own by that, others by their folder. */
function shortName(path: string): string {
  const name = nameOf(path, 1);
  return isRemotePath(path) || !isNamedFile(path) ? name : basename(path);
}

/** What several adapters are called beside each other. */
export function distinctNames(paths: readonly string[]): string[] {
  const ways = [(path: string) => nameOf(path, 1), (path: string) => nameOf(path, 2)];
  const count = (names: readonly string[], name: string): number => names.filter((other) => other === name).length;
  let names = paths.map((path) => shortName(path));
  for (const way of ways) {
    const before = names;
    names = before.map((name, i) => (count(before, name) > 1 ? way(paths[i]!) : name));
  }
  return names.map((name, i) => (count(names, name) > 1 ? `${name} (${i + 1})` : name));
}
