import { compareNaturally } from "../core/natural-order.ts";
import { hasWeightsName, holdsSingleFiles, isConfigFile, isWeightsFile } from "../formats/peft-folder/files.ts";
import type { HandedFile, HandedFolder } from "./handed-files.ts";

/** A dropped or picked file and its path: "folder/file", or the file's own name. */
export interface DroppedFile {
  readonly path: string;
  readonly blob: Blob;
}

/** An adapter's files, and where they lay: its folder's path, or that of its one file without the ending. */
export interface GroupedFolder extends HandedFolder {
  readonly path: string;
  /** Whether they were handed over as files, and not in a folder. */
  readonly loose: boolean;
}

const INDEXED = /-\d{5}-of-\d{5}\.safetensors$|\.index\.json$/;

/**
 * Group files into adapters. Each folder with weights or a config is one, and so is each weights file outside any folder, unless a config
 * is next to it. A folder of folders gives each subfolder that is an adapter; if none is, every folder is kept, so that opening it says
 * what is missing.
 */
export function groupDropped(files: readonly DroppedFile[]): GroupedFolder[] {
  const folders = new Map<string, DroppedFile[]>();
  for (const file of files) {
    const folder = file.path.includes("/") ? file.path.slice(0, file.path.lastIndexOf("/")) : "";
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  const found: GroupedFolder[] = [];
  for (const [folder, own] of folders) {
    if (!own.some(({ path }) => holdsAdapter(path))) continue;
    if (folder === "" || holdsSingleFiles(own.map(({ path }) => lastName(path)))) found.push(...looseFiles(own));
    else found.push(handed(folder, own));
  }
  if (found.length === 0) for (const [folder, own] of folders) found.push(handed(folder || own[0]!.path, own));
  return found.sort((one, other) => compareNaturally(one.name, other.name));
}

/** Names of files that were dropped on their own along with adapters, and belong to none of them. */
export function leftOut(files: readonly DroppedFile[], folders: readonly HandedFolder[]): string[] {
  const taken = new Set(
    folders.flatMap((folder) => Object.values(folder.files)).map((file) => ("blob" in file ? file.blob : null)),
  );
  return files.filter(({ path, blob }) => !path.includes("/") && !taken.has(blob)).map(({ path }) => path);
}

/** Files dropped one by one: a single adapter if they include a config or sharded weights, else one adapter for each weights file. */
function looseFiles(files: readonly DroppedFile[]): GroupedFolder[] {
  const whole = files.some(({ path }) => isConfigFile(path) || INDEXED.test(path));
  if (whole) return [handed(UNNAMED, files)];
  return files.filter(({ path }) => holdsAdapter(path)).map((file) => handed(stem(file.path), [file]));
}

function handed(path: string, files: readonly DroppedFile[]): GroupedFolder {
  return {
    path,
    name: lastName(path),
    loose: files.every((file) => !file.path.includes("/")),
    files: Object.fromEntries(files.map(({ path, blob }) => [lastName(path), { blob }])),
    folders: [],
  };
}

/** Whether a file may hold an adapter, or its config. */
export function holdsAdapter(path: string): boolean {
  return isConfigFile(lastName(path)) || isWeightsFile(path);
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function stem(file: string): string {
  return file.replace(/\.[^.]+$/, "");
}

/** The name of files that nothing names. */
const UNNAMED = "adapter";

/** The adapter that two make of which one has weights and the other a config; null where they are no such two, or came in a folder. */
export function joined(one: GroupedFolder, other: GroupedFolder): GroupedFolder | null {
  const has = ({ files }: HandedFolder, is: (file: string) => boolean): boolean => Object.keys(files).some(is);
  const halves = (a: HandedFolder, b: HandedFolder): boolean =>
    has(a, isWeightsFile) && !has(a, isConfigFile) && has(b, isConfigFile) && !has(b, isWeightsFile);
  if (!(one.loose && other.loose) || (!halves(one, other) && !halves(other, one))) return null;
  const name = [one.name, other.name].find((own) => own !== UNNAMED && !hasWeightsName(own)) ?? UNNAMED;
  return { name, path: name, loose: true, files: { ...one.files, ...other.files }, folders: [] };
}

/** Whether an adapter has all files of another and more, by their names, sizes and times. */
export function hasMoreThan({ files }: HandedFolder, other: HandedFolder): boolean {
  const theirs = Object.entries(other.files);
  return theirs.length < Object.keys(files).length && theirs.every(([name, file]) => isSame(files[name], file));
}

function isSame(one: HandedFile | undefined, other: HandedFile): boolean {
  if (one === undefined || !("blob" in one && "blob" in other)) return false;
  const timeOf = (blob: Blob): number => (blob as Partial<File>).lastModified ?? 0;
  return one.blob.size === other.blob.size && timeOf(one.blob) === timeOf(other.blob);
}

/** The name of a folder; where that is taken, with the names of the folders around it, as far as they tell it apart. */
export function nameAmong(taken: readonly string[], name: string, path: string = name): string {
  const parts = path.split("/");
  for (let from = parts.length - 2; from >= 0 && taken.includes(name); from--) {
    const longer = parts.slice(from).join("/");
    if (!taken.includes(longer)) return longer;
  }
  return freeName(name, taken);
}

/** The name, with a number appended if it is already taken. */
export function freeName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  let number = 2;
  while (taken.includes(`${name} (${number})`)) number++;
  return `${name} (${number})`;
}
