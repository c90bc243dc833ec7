import {
  closeSync,
  fstatSync,
  lstatSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { OutputError } from "../../core/errors.ts";
import { isWritten, WRITTEN_WITHIN_BYTES } from "../../core/written.ts";
import { CONFIG_FILE } from "../../formats/peft-folder/files.ts";
import { isWithin, realPath } from "../files/real-path.ts";
import { openRegular } from "../files/regular-file.ts";
import { checkSpace, flush } from "./flush.ts";
import {
  beginUnfinished,
  clearUnfinished,
  leftovers,
  refuseLive,
  removeMarked,
  type Unfinished,
} from "./unfinished.ts";
import { type FileContent, writeWhole } from "./write-whole.ts";

/** How a single file is written. */
export interface OutputFileOptions {
  /** Folders and files that are read: the output must not be one or be inside one. */
  readonly inputs: readonly string[];
  /** Replace an existing file, whoever wrote it. Default false. */
  readonly force?: boolean;
  /** Whether it is a page or report, which replaces one that lora-lego wrote even without `force`. Default false. */
  readonly remade?: boolean;
  /** The flag that names the file, for messages. Default --out. */
  readonly flag?: string;
  /** Called with one sentence when something left by an interrupted run is cleaned up. */
  readonly tell?: (text: string) => void;
}

type Refuse = (why: string) => never;

/**
 * A file that appears complete or not at all: written in a marked folder next to the target, flushed, and renamed. If the target is a
 * link, the file that it leads to is replaced.
 */
export class OutputFile {
  /** Where the file is while it is written. */
  readonly path: string;
  readonly #target: string;
  readonly #given: string;
  readonly #options: OutputFileOptions;
  readonly #unfinished: Unfinished;

  private constructor(given: string, target: string, options: OutputFileOptions) {
    this.#given = given;
    this.#target = target;
    this.#options = options;
    this.#unfinished = beginUnfinished(target, given);
    this.path = join(this.#unfinished.folder, basename(target));
  }

  /**
   * Check that the file may be written, remove what a killed run left, and make the temporary folder.
   *
   * @throws OutputError when it may not be written, or this process is already writing it
   */
  static create(path: string, options: OutputFileOptions): OutputFile {
    const target = OutputFile.check(path, options);
    refuseLive(target, path);
    const tell = options.tell ?? (() => {});
    for (const left of leftovers(target, options.inputs)) if (left.kind === "tmp") clearUnfinished(left, tell);
    return new OutputFile(path, target, options);
  }

  /** Check that the file may be written, changing nothing. @returns its path, links resolved @throws OutputError as `create` */
  static check(path: string, options: OutputFileOptions): string {
    const { flag = "--out" } = options;
    const refuse: Refuse = (why) => {
      throw new OutputError(`The output ${path} ${why}; choose another ${flag}.`);
    };
    const place = placeOf(path);
    const stat = statSync(place, { throwIfNoEntry: false });
    if (stat === undefined && lstatSync(place, { throwIfNoEntry: false }) !== undefined) refuse("is a broken link");
    if (stat !== undefined) refuseOdd(stat, refuse);
    const target = stat === undefined ? place : realpathSync(place);
    refuseInputs(target, options.inputs, refuse);
    refuseExisting(target, path, options);
    return target;
  }

  /** Write a file whole. @throws OutputError as `create` */
  static write(path: string, content: FileContent, options: OutputFileOptions): void {
    const file = OutputFile.create(path, options);
    try {
      file.write(content);
      file.commit();
    } catch (error) {
      file.discard();
      throw error;
    }
  }

  /** Path for the tensors: the file itself, whatever name is asked for. */
  weights(_name: string): string {
    return this.path;
  }

  /** Path of something temporary that the work needs, next to the unfinished file. */
  scratch(name: string): string {
    return this.#unfinished.scratch(name);
  }

  /** As `OutputFolder.accompany`. */
  accompany(other: OutputFile): void {
    this.#unfinished.accompany(dirname(other.path));
  }

  /** Write it whole, from one piece or several. */
  write(content: FileContent): void {
    writeWhole(this.path, content);
  }

  /** Refuse when the file system has less room than the file needs. */
  checkSpace(bytes: number): void {
    checkSpace(this.#unfinished.folder, bytes, basename(this.#target));
  }

  /** Make the file appear. @throws OutputError when something else appeared at the target meanwhile */
  commit(): void {
    flush(this.path);
    refuseExisting(this.#target, this.#given, this.#options);
    renameSync(this.path, this.#target);
    this.#unfinished.end();
    flush(dirname(this.#target));
    removeMarked(this.#unfinished.folder);
  }

  /** Remove what was written so far, and the folders that were made for it. */
  discard(): void {
    this.#unfinished.discard();
  }
}

/** A path with links in its folders resolved; the last part may still be a link. */
function placeOf(path: string): string {
  const full = resolve(path);
  return join(realPath(dirname(full)), basename(full));
}

/** Files that a page or report never replaces: weights. */
export const OF_ADAPTERS: RegExp = /\.(?:safetensors|gguf|bin|pth?|ckpt)$/i;

/** Folders, pipes and devices are never replaced, nor is the file that the shell redirects this command's own output to. */
function refuseOdd(stat: Stats, refuse: Refuse): void {
  if (!stat.isFile()) refuse(stat.isDirectory() ? "is a folder" : "is a pipe or device, which a file cannot replace");
  const standard = ["input", "output", "error"].find((_, descriptor) => {
    try {
      const own = fstatSync(descriptor);
      return own.ino === stat.ino && own.dev === stat.dev;
    } catch {
      // Closed.
      return false;
    }
  });
  if (standard !== undefined) refuse(`is this command's own standard ${standard}`);
}

function refuseInputs(target: string, inputs: readonly string[], refuse: Refuse): void {
  const same = sameFileAs(target);
  for (const input of inputs) {
    const real = realpathSync(input);
    if (isWithin(target, real)) refuse(`is the input ${input} or inside it`);
    const files = statSync(real).isDirectory() ? readdirSync(real).map((file) => join(real, file)) : [real];
    if (files.some(same)) refuse(`is the same file as one in the input ${input}`);
  }
}

/** Whether another path is the same file on disk (by inode), such as a hard link or a link to it. */
function sameFileAs(target: string): (path: string) => boolean {
  const own = statSync(target, { throwIfNoEntry: false, bigint: true });
  return (path) => {
    if (own === undefined) return false;
    const other = statSync(path, { throwIfNoEntry: false, bigint: true });
    return other !== undefined && other.ino === own.ino && other.dev === own.dev;
  };
}

/** Refuse to replace a file that may be anyone's. */
function refuseExisting(target: string, path: string, options: OutputFileOptions): void {
  const { force = false, remade = false, flag = "--out" } = options;
  const stat = statSync(target, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const refuse = (why: string, way: string): never => {
    throw new OutputError(`The output ${path} ${why}; ${way}choose another ${flag}.`);
  };
  if (!stat.isFile()) refuse("is a folder, pipe or device", "");
  const name = basename(target);
  if (remade && (OF_ADAPTERS.test(name) || name.toLowerCase() === CONFIG_FILE))
    refuse("is a file of a model or adapter, which a page or report never replaces", "");
  if (force || (remade && isWritten(startOf(target)))) return;
  const why = remade ? "exists and was not written by lora-lego" : "exists";
  refuse(why, "pass --force to replace it, or ");
}

/** The first bytes of a file as text; empty if it is not a regular file. */
function startOf(path: string): string {
  const descriptor = openRegular(path);
  if (descriptor === null) return "";
  try {
    const bytes = Buffer.alloc(WRITTEN_WITHIN_BYTES);
    return bytes.toString("utf8", 0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}
