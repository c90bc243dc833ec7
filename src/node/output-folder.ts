import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { OutputError } from "../core/errors.ts";
import { CARD_FILE, filesOfCard } from "../merge/card.ts";
import { makeFolder } from "./make-folder.ts";
import { isWithin, realPath } from "./real-path.ts";

/** Space that must stay free beside the output, in bytes. */
const SPARE_BYTES = 16 * 2 ** 20;

/** Marks a folder that is being written or removed, and says by whom; without it a folder beside the target is left alone. */
const MARK_FILE = ".lora-lego-unfinished";

/** Targets that this process is writing. */
const live = new Set<string>();

/**
 * A folder that appears complete or not at all. Files are written into `<target>.tmp-<pid>` beside the target; `commit`
 * flushes them and renames the folder into place. A folder that is replaced steps aside as `<target>.old-<pid>` meanwhile.
 */
export class OutputFolder {
  readonly target: string;
  readonly #temporary: string;
  readonly #old: string;
  readonly #force: boolean;
  /** Folders that had to be made above the temporary one, the outermost first. */
  readonly #made: readonly string[];

  private constructor(target: string, force: boolean) {
    this.target = target;
    this.#temporary = `${target}.tmp-${process.pid}`;
    this.#old = `${target}.old-${process.pid}`;
    this.#force = force;
    const made = makeFolder(this.#temporary);
    this.#made = made.slice(0, -1);
    try {
      writeMark(this.#temporary);
    } catch (error) {
      for (const folder of made.reverse()) rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    live.add(target);
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
    if (live.has(target)) {
      throw new OutputError(`Another merge of this process is writing ${path}; wait for it, or choose another --out.`);
    }
    recover(target, inputs, tell);
    refuseForeign(target, path, force);
    return new OutputFolder(target, force);
  }

  /** Check that the target may be written, changing nothing. @throws OutputError as `create` */
  static check(path: string, inputs: readonly string[], force: boolean): void {
    const target = realPath(path);
    refuseInputs(target, path, inputs);
    refuseForeign(target, path, force);
  }

  /** Path of a file of the folder while it is written. */
  path(file: string): string {
    return join(this.#temporary, file);
  }

  /** Refuse when the file system has less room than the output needs. */
  checkSpace(bytes: number): void {
    const { bavail, bsize } = statfsSync(this.#temporary);
    if (bavail * bsize >= bytes + SPARE_BYTES) return;
    throw new OutputError(
      `The result needs ${megabytes(bytes)} MB and ${megabytes(SPARE_BYTES)} MB to spare, but only ${megabytes(bavail * bsize)} MB are free beside ${basename(this.target)}; free some space or choose another --out.`,
    );
  }

  /**
   * Make the folder appear: flush its files, then rename. An old folder is removed last.
   *
   * @throws OutputError when something that is not ours came to lie at the target meanwhile
   */
  commit(): void {
    for (const file of readdirSync(this.#temporary)) flush(join(this.#temporary, file));
    flush(this.#temporary);
    refuseForeign(this.target, this.target, this.#force);
    const empty = existsSync(this.target) && readdirSync(this.target).length === 0;
    if (empty) rmdirSync(this.target);
    const aside = existsSync(this.target);
    if (aside) renameSync(this.target, this.#old);
    try {
      renameSync(this.#temporary, this.target);
    } catch (error) {
      if (aside) renameSync(this.#old, this.target);
      throw error;
    }
    live.delete(this.target);
    flush(dirname(this.target));
    if (aside) removeOld(this.#old, this.#temporary);
    // Until here the mark tells a later run that the old output is not needed any more.
    rmSync(join(this.target, MARK_FILE));
  }

  /** Remove what was written so far, and the folders that were made for it. */
  discard(): void {
    live.delete(this.target);
    rmSync(this.#temporary, { recursive: true, force: true });
    for (const folder of this.#made.toReversed()) if (readdirSync(folder).length === 0) rmdirSync(folder);
  }
}

function writeMark(folder: string): void {
  writeFileSync(join(folder, MARK_FILE), JSON.stringify({ host: hostname(), pid: process.pid }));
}

/** Remove a marked folder, its mark last, so that what a kill leaves of it is still known as ours. */
function removeMarked(folder: string): void {
  for (const entry of readdirSync(folder)) if (entry !== MARK_FILE) rmSync(join(folder, entry), { recursive: true });
  rmSync(join(folder, MARK_FILE), { force: true });
  rmdirSync(folder);
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
  const parent = dirname(target);
  if (!existsSync(parent)) return;
  const name = basename(target);
  const replaced = endedWriter(target);
  for (const { name: entry } of readdirSync(parent, { withFileTypes: true }).filter((found) => found.isDirectory())) {
    const match = /^(.*)\.(old|tmp)-(\d+)$/.exec(entry);
    if (match === null || match[1] !== name || isRunning(Number(match[3]))) continue;
    const side = join(parent, entry);
    if (inputs.some((input) => isWithin(realpathSync(input), side))) continue;
    if (match[2] === "tmp") {
      if (readdirSync(side).length > 0 && endedWriter(side) === null) continue;
      removeMarked(side);
      tell(`Removed ${entry}, which a run that was cut off had left.`);
    } else if (foreignEntry(side) === null && !existsSync(target)) {
      renameSync(side, target);
      tell(`Put back ${name}, which a run that was cut off had left as ${entry}.`);
    } else if (foreignEntry(side) === null && replaced === Number(match[3])) {
      removeOld(side, `${target}.tmp-${match[3]}`);
      tell(`Removed ${entry}, which a run that was cut off had left.`);
    }
  }
  if (replaced !== null) rmSync(join(target, MARK_FILE), { force: true });
}

/** The process by whose mark a folder is unfinished, if it was one of this machine and has ended; else null. */
function endedWriter(folder: string): number | null {
  const file = join(folder, MARK_FILE);
  if (!existsSync(file)) return null;
  try {
    const { host, pid } = JSON.parse(readFileSync(file, "utf8")) as { host: unknown; pid: unknown };
    return host === hostname() && typeof pid === "number" && !isRunning(pid) ? pid : null;
  } catch {
    // Killed while the mark was written.
    return 0;
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
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
  const card = entries.includes(CARD_FILE) ? filesOfCard(readFileSync(join(folder, CARD_FILE), "utf8")) : null;
  return card === null ? CARD_FILE : (entries.find((entry) => !card.includes(entry)) ?? null);
}

/** Make a file or folder durable; Windows flushes no folders. */
function flush(path: string): void {
  if (process.platform === "win32" && statSync(path).isDirectory()) return;
  const descriptor = openSync(path, process.platform === "win32" ? "r+" : "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}
