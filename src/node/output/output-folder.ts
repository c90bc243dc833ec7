import {
  copyFileSync,
  existsSync,
  lstatSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { FormatError, OutputError } from "../../core/errors.ts";
import { CARD_FILE, filesOfCard } from "../../report/card.ts";
import { readText } from "../files/read-text.ts";
import { isWithin, realPath } from "../files/real-path.ts";
import { checkSpace, flush } from "./flush.ts";
import type { OutputFile } from "./output-file.ts";
import {
  beginUnfinished,
  clearCompanion,
  clearUnfinished,
  endedWriter,
  leftovers,
  MARK_FILE,
  refuseLive,
  removeMarked,
  type Unfinished,
  writeMark,
} from "./unfinished.ts";
import { type FileContent, writeWhole } from "./write-whole.ts";

/** A card that lora-lego wrote has some kilobytes; a foreign one may have any size. */
const MAX_CARD_BYTES = 16 << 20;

/**
 * A folder that appears complete or not at all. Files are written into `<target>.tmp-<pid>` next to the target; `commit` flushes them and
 * renames the folder into place. A folder that is replaced is first moved aside to `<target>.old-<pid>`.
 */
export class OutputFolder {
  readonly target: string;
  readonly #unfinished: Unfinished;
  readonly #force: boolean;

  private constructor(target: string, path: string, force: boolean) {
    this.target = target;
    this.#force = force;
    this.#unfinished = beginUnfinished(target, path);
  }

  /**
   * Check that the target may be written, clean up what a killed run left, and make the temporary folder.
   *
   * @param inputs folders and files of the inputs: the target must not be, contain or be inside one
   * @param force replace a folder that lora-lego wrote
   * @param tell called with one sentence for each thing that was cleaned up
   * @throws OutputError when the target may not be written, or this process is already writing it
   */
  static create(path: string, inputs: readonly string[], force: boolean, tell: (text: string) => void): OutputFolder {
    const target = realPath(path);
    refuseInputs(target, path, inputs);
    refuseLive(target, path);
    recover(target, inputs, tell);
    refuseForeign(target, path, force);
    return new OutputFolder(target, path, force);
  }

  /** Check that the target may be written, changing nothing. @returns its path, links resolved @throws OutputError as `create` */
  static check(path: string, inputs: readonly string[], force: boolean): string {
    const target = realPath(path);
    refuseInputs(target, path, inputs);
    refuseForeign(target, path, force);
    return target;
  }

  /** Path of a file in the unfinished folder. */
  path(file: string): string {
    return join(this.#unfinished.folder, file);
  }

  /** Path of the file for the tensors in the unfinished folder. */
  weights(file: string): string {
    return this.path(file);
  }

  /** Write a file of the folder whole, from one piece or several. */
  write(file: string, content: FileContent): void {
    writeWhole(this.path(file), content);
  }

  /** Copy a file into the folder. */
  copy(from: string, file: string): void {
    copyFileSync(from, this.path(file));
  }

  /** Path of something temporary that the work needs, in a folder that is not part of the output. */
  scratch(name: string): string {
    return this.#unfinished.scratch(name);
  }

  /** Have a later run clear away the other output with this one, should both be left unfinished. */
  accompany(other: OutputFile): void {
    this.#unfinished.accompany(dirname(other.path));
  }

  /** Refuse when the file system has less room than the output needs. */
  checkSpace(bytes: number): void {
    checkSpace(this.#unfinished.folder, bytes, basename(this.target));
  }

  /**
   * Make the folder appear: flush its files, then rename. An old folder is removed last.
   *
   * @throws OutputError when something that lora-lego did not write appeared at the target meanwhile
   */
  commit(): void {
    const temporary = this.#unfinished.folder;
    this.#unfinished.clearScratch();
    const old = `${this.target}.old-${process.pid}`;
    for (const file of readdirSync(temporary)) flush(join(temporary, file));
    flush(temporary);
    refuseForeign(this.target, this.target, this.#force);
    const empty = existsSync(this.target) && readdirSync(this.target).length === 0;
    if (empty) rmdirSync(this.target);
    const aside = existsSync(this.target);
    if (aside) renameSync(this.target, old);
    try {
      renameSync(temporary, this.target);
    } catch (error) {
      if (aside) renameSync(old, this.target);
      throw error;
    }
    this.#unfinished.end();
    flush(dirname(this.target));
    if (aside) removeOld(old, temporary);
    // Until here the mark tells a later run that the old output is no longer needed.
    rmSync(join(this.target, MARK_FILE));
  }

  /** Remove what was written so far, and the folders that were made for it. */
  discard(): void {
    this.#unfinished.discard();
  }
}

/** A folder named .old is always complete, so that it can be put back; before it is removed it gets the name .tmp and a mark. */
function removeOld(old: string, temporary: string): void {
  writeMark(old);
  renameSync(old, temporary);
  removeMarked(temporary);
}

/**
 * Clean up what killed runs left next to the target. An old output is put back if the target is missing, and removed if its successor is
 * complete; half-written folders are removed. Inputs, folders of running processes or of other machines, and folders without our mark
 * are left alone.
 */
function recover(target: string, inputs: readonly string[], tell: (text: string) => void): void {
  const name = basename(target);
  const replaced = endedWriter(target);
  for (const left of leftovers(target, inputs)) {
    if (left.kind === "tmp") {
      clearUnfinished(left, tell);
    } else if (foreignEntry(left.path) === null && !existsSync(target)) {
      renameSync(left.path, target);
      tell(`Put back ${name}, which an interrupted run had left as ${basename(left.path)}.`);
    } else if (foreignEntry(left.path) === null && replaced === left.pid) {
      removeOld(left.path, `${target}.tmp-${left.pid}`);
      tell(`Removed ${basename(left.path)}, which an interrupted run had left.`);
    }
  }
  if (replaced === null) return;
  clearCompanion(target, tell);
  rmSync(join(target, MARK_FILE), { force: true });
}

function refuseInputs(target: string, path: string, inputs: readonly string[]): void {
  for (const input of inputs) {
    const real = realpathSync(input);
    if (!isWithin(real, target) && !isWithin(target, real)) continue;
    throw new OutputError(
      `The output ${path} is the input ${input}, contains it or is inside it; choose another --out.`,
    );
  }
}

function refuseForeign(target: string, path: string, force: boolean): void {
  const stat = statSync(target, { throwIfNoEntry: false });
  if (stat === undefined && lstatSync(target, { throwIfNoEntry: false }) === undefined) return;
  if (stat === undefined)
    throw new OutputError(`The output ${path} is a broken link; remove it or choose another --out.`);
  if (!stat.isDirectory()) throw new OutputError(`The output ${path} is a file; choose a folder for --out.`);
  if (readdirSync(target).length === 0) return;
  const foreign = foreignEntry(target);
  if (foreign === CARD_FILE) {
    throw new OutputError(
      `The output ${path} exists and was not written by lora-lego; choose another --out or empty it.`,
    );
  }
  if (foreign !== null) {
    throw new OutputError(
      `The output ${path} contains ${foreign}, which lora-lego did not write; move it away or choose another --out.`,
    );
  }
  if (!force) throw new OutputError(`The output ${path} exists; pass --force to replace it, or choose another --out.`);
}

/** Something in a folder that lora-lego did not write: the card if the whole folder is foreign, else a file; null if there is nothing. */
function foreignEntry(folder: string): string | null {
  const entries = readdirSync(folder).filter((entry) => entry !== MARK_FILE);
  const card = entries.includes(CARD_FILE) ? filesOfCard(cardText(folder)) : null;
  return card === null ? CARD_FILE : (entries.find((entry) => !card.includes(entry)) ?? null);
}

/** The text of a folder's card; empty if lora-lego cannot have written it. */
function cardText(folder: string): string {
  try {
    return readText(join(folder, CARD_FILE), { name: CARD_FILE, most: MAX_CARD_BYTES });
  } catch (error) {
    if (error instanceof FormatError) return "";
    throw error;
  }
}
