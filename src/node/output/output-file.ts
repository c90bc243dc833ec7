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
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { OutputError } from "../../core/errors.ts";
import { isWritten, WRITTEN_WITHIN_BYTES } from "../../core/written.ts";
import { CONFIG_FILE } from "../../formats/peft-folder/files.ts";
import { naming } from "../input/named-failure.ts";
import { isWithin, realPath } from "../input/real-path.ts";
import { openRegular } from "../input/regular-file.ts";
import { checkSpace, flush } from "./flush.ts";
import {
  beginUnfinished,
  clearUnfinished,
  leftovers,
  refuseLive,
  removeMarked,
  type Unfinished,
} from "./unfinished.ts";

/** How a single file is written. */
export interface OutputFileOptions {
  /** Folders and files that are read: the file is none of them, nor lies in one. */
  readonly inputs: readonly string[];
  /** Replace a file that exists, whoever wrote it. Default false. */
  readonly force?: boolean;
  /** Whether it is a page or report, which takes the place of one that lora-lego wrote without `force`. Default false. */
  readonly remade?: boolean;
  /** The flag that named it, for messages. Default --out. */
  readonly flag?: string;
  /** Told in one sentence what was put right after a run that was cut off. */
  readonly tell?: (text: string) => void;
}

type Refuse = (why: string) => never;

/**
 * A file that appears complete or not at all: written in a marked folder beside the target, flushed, and renamed. Where the target is a
 * link, what it leads to is replaced.
 */
export class OutputFile {
  /** Where it is written. */
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
   * Check that the file may be written, clear what a killed run left of it, and make room for it.
   *
   * @throws OutputError when it may not be written, or this process is writing it already
   */
  static create(path: string, options: OutputFileOptions): OutputFile {
    const target = OutputFile.check(path, options);
    refuseLive(target, path);
    const tell = options.tell ?? (() => {});
    for (const left of leftovers(target, options.inputs)) if (left.kind === "tmp") clearUnfinished(left, tell);
    return new OutputFile(path, target, options);
  }

  /** Check that the file may be written, changing nothing. @returns where it lies, links resolved; @throws OutputError as `create` */
  static check(path: string, options: OutputFileOptions): string {
    const { flag = "--out" } = options;
    const refuse: Refuse = (why) => {
      throw new OutputError(`The output ${path} ${why}; choose another ${flag}.`);
    };
    const place = placeOf(path);
    const stat = statSync(place, { throwIfNoEntry: false });
    if (stat === undefined && lstatSync(place, { throwIfNoEntry: false }) !== undefined) refuse("is a link to nothing");
    if (stat !== undefined) refuseOdd(stat, refuse);
    const target = stat === undefined ? place : realpathSync(place);
    refuseInputs(target, options.inputs, refuse);
    refuseExisting(target, path, options);
    return target;
  }

  /** Write a file whole. @throws OutputError as `create` */
  static write(path: string, content: string | Uint8Array, options: OutputFileOptions): void {
    const file = OutputFile.create(path, options);
    try {
      file.write(content);
      file.commit();
    } catch (error) {
      file.discard();
      throw error;
    }
  }

  /** Path of the tensors, which are the file, whatever its name. */
  weights(_name: string): string {
    return this.path;
  }

  /** Path of something that the work needs meanwhile, beside the file while it is written. */
  scratch(name: string): string {
    return this.#unfinished.scratch(name);
  }

  /** Write it whole. */
  write(content: string | Uint8Array): void {
    naming(this.path, () => writeFileSync(this.path, content));
  }

  /** Refuse when the file system has less room than the file needs. */
  checkSpace(bytes: number): void {
    checkSpace(this.#unfinished.folder, bytes, basename(this.#target));
  }

  /** Make the file appear. @throws OutputError when something came to lie at the target meanwhile */
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

/** Where a path lies, in folders without links; a link there is still one. */
function placeOf(path: string): string {
  const full = resolve(path);
  return join(realPath(dirname(full)), basename(full));
}

/** Files that a page or report never replaces: weights, and what says how to read them. */
export const OF_ADAPTERS: RegExp = /\.(?:safetensors|gguf|bin|pth?|ckpt)$/i;

/** Folders, pipes and devices are never replaced, nor the file that a shell sends this command's own output into. */
function refuseOdd(stat: Stats, refuse: Refuse): void {
  if (!stat.isFile())
    refuse(stat.isDirectory() ? "is a folder" : "is a pipe or device, and a file cannot take its place");
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
    if (isWithin(target, real)) refuse(`is or lies in the input ${input}`);
    const files = statSync(real).isDirectory() ? readdirSync(real).map((file) => join(real, file)) : [real];
    if (files.some(same)) refuse(`is the same file as one of the input ${input}`);
  }
}

/** Whether another path is the same file by its number on the disk, as hard links and links to it are. */
function sameFileAs(target: string): (path: string) => boolean {
  const own = statSync(target, { throwIfNoEntry: false, bigint: true });
  return (path) => {
    if (own === undefined) return false;
    const other = statSync(path, { throwIfNoEntry: false, bigint: true });
    return other !== undefined && other.ino === own.ino && other.dev === own.dev;
  };
}

/** What stands there may be anyone's. */
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
    refuse("is a file of a model or adapter, whose place a page or report never takes", "");
  if (force || (remade && isWritten(startOf(target)))) return;
  const why = remade ? "exists and was not written by lora-lego" : "exists";
  refuse(why, "pass --force to replace it, or ");
}

/** The first bytes of a file as text; nothing of what is no plain file. */
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
