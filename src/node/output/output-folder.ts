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
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { FormatError, OutputError } from "../../core/errors.ts";
import { CARD_FILE, filesOfCard } from "../../report/card.ts";
import { naming } from "../input/named-failure.ts";
import { readText } from "../input/read-text.ts";
import { isWithin, realPath } from "../input/real-path.ts";
import { checkSpace, flush } from "./flush.ts";
import {
  beginUnfinished,
  clearUnfinished,
  endedWriter,
  leftovers,
  MARK_FILE,
  refuseLive,
  removeMarked,
  type Unfinished,
  writeMark,
} from "./unfinished.ts";

/** A card that lora-lego wrote has some kilobytes; a foreign one may have any. */
const MAX_CARD_BYTES = 16 << 20;

/**
 * A folder that appears complete or not at all. Files are written into `<target>.tmp-<pid>` beside the target; `commit`
 * flushes them and renames the folder into place. A folder that is replaced steps aside as `<target>.old-<pid>` meanwhile.
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
   * Check that the target may be written, put right what a killed run left, and make the temporary folder.
   *
   * @param inputs folders and files of the inputs: the target must not be, contain or lie in one
   * @param force replace a folder that lora-lego wrote
   * @param tell what was put right, in one sentence each
   * @throws OutputError when the target is not ours to write, or this process is writing it already
   */
  static create(path: string, inputs: readonly string[], force: boolean, tell: (text: string) => void): OutputFolder {
    const target = realPath(path);
    refuseInputs(target, path, inputs);
    refuseLive(target, path);
    recover(target, inputs, tell);
    refuseForeign(target, path, force);
    return new OutputFolder(target, path, force);
  }

  /** Check that the target may be written, changing nothing. @returns it, links resolved; @throws OutputError as `create` */
  static check(path: string, inputs: readonly string[], force: boolean): string {
    const target = realPath(path);
    refuseInputs(target, path, inputs);
    refuseForeign(target, path, force);
    return target;
  }

  /** Path of a file of the folder while it is written. */
  path(file: string): string {
    return join(this.#unfinished.folder, file);
  }

  /** Path of the file that holds the tensors, while it is written. */
  weights(file: string): string {
    return this.path(file);
  }

  /** Write a file of the folder whole. */
  write(file: string, content: string | Uint8Array): void {
    naming(this.path(file), () => writeFileSync(this.path(file), content));
  }

  /** Copy a file into the folder. */
  copy(from: string, file: string): void {
    copyFileSync(from, this.path(file));
  }

  /** Path of something that the work needs meanwhile, in a folder that is not part of the output. */
  scratch(name: string): string {
    return this.#unfinished.scratch(name);
  }

  /** Refuse when the file system has less room than the output needs. */
  checkSpace(bytes: number): void {
    checkSpace(this.#unfinished.folder, bytes, basename(this.target));
  }

  /**
   * Make the folder appear: flush its files, then rename. An old folder is removed last.
   *
   * @throws OutputError when something that is not ours came to lie at the target meanwhile
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
    // Until here the mark tells a later run that the old output is not needed any more.
    rmSync(join(this.target, MARK_FILE));
  }

  /** Remove what was written so far, and the folders that were made for it. */
  discard(): void {
    this.#unfinished.discard();
  }
}

/** What bears the name .old is complete, so that it can be put back; what is being removed bears the other name, and a mark. */
function removeOld(old: string, temporary: string): void {
  writeMark(old);
  renameSync(old, temporary);
  removeMarked(temporary);
}

/**
 * Put right what runs that were killed left beside the target: an old output whose place is empty is put back, one whose successor is
 * complete and what is half written are removed. Inputs, folders of running processes and of other machines, and what no mark shows to
 * be ours are left alone.
 */
function recover(target: string, inputs: readonly string[], tell: (text: string) => void): void {
  const name = basename(target);
  const replaced = endedWriter(target);
  for (const left of leftovers(target, inputs)) {
    if (left.kind === "tmp") {
      clearUnfinished(left, tell);
    } else if (foreignEntry(left.path) === null && !existsSync(target)) {
      renameSync(left.path, target);
      tell(`Put back ${name}, which a run that was cut off had left as ${basename(left.path)}.`);
    } else if (foreignEntry(left.path) === null && replaced === left.pid) {
      removeOld(left.path, `${target}.tmp-${left.pid}`);
      tell(`Removed ${basename(left.path)}, which a run that was cut off had left.`);
    }
  }
  if (replaced !== null) rmSync(join(target, MARK_FILE), { force: true });
}

function refuseInputs(target: string, path: string, inputs: readonly string[]): void {
  for (const input of inputs) {
    const real = realpathSync(input);
    if (!isWithin(real, target) && !isWithin(target, real)) continue;
    throw new OutputError(`The output ${path} is, contains or lies in the input ${input}; choose another --out.`);
  }
}

function refuseForeign(target: string, path: string, force: boolean): void {
  const stat = statSync(target, { throwIfNoEntry: false });
  if (stat === undefined && lstatSync(target, { throwIfNoEntry: false }) === undefined) return;
  if (stat === undefined)
    throw new OutputError(`The output ${path} is a link to nothing; remove it or choose another --out.`);
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
      `The output ${path} holds ${foreign}, which lora-lego did not write; move it away or choose another --out.`,
    );
  }
  if (!force) throw new OutputError(`The output ${path} exists; pass --force to replace it, or choose another --out.`);
}

/** What lora-lego did not write of a folder: the card, where all of it is foreign, else a file, or null for nothing. */
function foreignEntry(folder: string): string | null {
  const entries = readdirSync(folder).filter((entry) => entry !== MARK_FILE);
  const card = entries.includes(CARD_FILE) ? filesOfCard(cardText(folder)) : null;
  return card === null ? CARD_FILE : (entries.find((entry) => !card.includes(entry)) ?? null);
}

/** The text of a folder's card; none where it is no text that lora-lego could have written. */
function cardText(folder: string): string {
  try {
    return readText(join(folder, CARD_FILE), { name: CARD_FILE, most: MAX_CARD_BYTES });
  } catch (error) {
    if (error instanceof FormatError) return "";
    throw error;
  }
}
