import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { OutputError } from "../../core/errors.ts";
import { isWithin } from "../files/real-path.ts";
import { ensureFolder, makeFolder } from "./make-folder.ts";

/** Marks a folder that is being written or removed, and names the process; a folder without it is left alone. */
export const MARK_FILE = ".lora-lego-unfinished";

/** A mark holds a host name, a process number and perhaps a path. */
const MAX_MARK_BYTES = 1 << 15;

/** Targets that this process is writing. */
const live = new Set<string>();

/** A marked folder next to the target, `<target>.tmp-<pid>`, in which an output is written before it appears at the target. */
export interface Unfinished {
  readonly folder: string;
  /** Path of something that is only needed while the output is written. */
  scratch(name: string): string;
  clearScratch(): void;
  /** Note the folder of another output of the same work, which a later run then clears away with this one. */
  accompany(folder: string): void;
  /** Record that the target is written, whatever is left of the folder. */
  end(): void;
  /** Remove the folder with its contents, and the parent folders that were made for it. */
  discard(): void;
}

/**
 * Make the folder in which the output for a target is written. If this fails, nothing is left behind.
 *
 * @param target absolute, links resolved
 * @param path the target's name in messages
 * @throws OutputError when this process is writing the same target
 */
export function beginUnfinished(target: string, path: string): Unfinished {
  refuseLive(target, path);
  const folder = `${target}.tmp-${process.pid}`;
  const made = makeFolder(folder);
  try {
    writeMark(folder);
  } catch (error) {
    for (const each of made.reverse()) rmSync(each, { recursive: true, force: true });
    throw error;
  }
  live.add(target);
  const end = (): void => {
    live.delete(target);
  };
  const scratch = join(folder, "steps");
  return {
    folder,
    end,
    scratch(name) {
      ensureFolder(scratch);
      return join(scratch, name);
    },
    clearScratch() {
      rmSync(scratch, { recursive: true, force: true });
    },
    accompany(other) {
      writeMark(folder, other);
    },
    discard() {
      end();
      rmSync(folder, { recursive: true, force: true });
      for (const above of made.slice(0, -1).reverse()) if (readdirSync(above).length === 0) rmdirSync(above);
    },
  };
}

/** @throws OutputError when this process is writing the target */
export function refuseLive(target: string, path: string): void {
  if (!live.has(target)) return;
  throw new OutputError(`Another merge of this process is writing ${path}; wait for it, or choose another --out.`);
}

/** A folder next to a target that an ended process left: `old` is an output moved aside, `tmp` was being written or removed. */
export interface Leftover {
  readonly path: string;
  readonly kind: "old" | "tmp";
  readonly pid: number;
}

/**
 * Folders that ended processes left next to a target: those of the target by name alone, and those of other outputs that were being
 * written, by their marks. Inputs and folders of running processes are left out.
 */
export function leftovers(target: string, inputs: readonly string[]): Leftover[] {
  const parent = dirname(target);
  if (!existsSync(parent)) return [];
  const name = basename(target);
  const folders = readdirSync(parent, { withFileTypes: true }).filter((found) => found.isDirectory());
  return folders.flatMap((entry) => {
    const match = /^(.*)\.(old|tmp)-(\d+)$/s.exec(entry.name);
    if (match === null || isRunning(Number(match[3]))) return [];
    const path = join(parent, entry.name);
    const another = match[1] !== name;
    if (another && (match[2] === "old" || live.has(join(parent, match[1]!)) || endedWriter(path) === null)) return [];
    if (inputs.some((input) => isWithin(realpathSync(input), path))) return [];
    return [{ path, kind: match[2] as "old" | "tmp", pid: Number(match[3]) }];
  });
}

/** Remove what an ended process was writing or removing; folders without a mark, or with another machine's mark, stay. */
export function clearUnfinished({ path }: Leftover, tell: (text: string) => void): void {
  // It may have gone with the output that it accompanied.
  if (!existsSync(path)) return;
  if (readdirSync(path).length > 0 && endedWriter(path) === null) return;
  clearCompanion(path, tell);
  removeMarked(path);
  tell(`Removed ${basename(path)}, which an interrupted run had left.`);
}

/** Remove the unfinished output that a folder's mark names, if the same process left it. */
export function clearCompanion(folder: string, tell: (text: string) => void): void {
  const { pid, with: other } = markOf(folder) ?? {};
  if (typeof other !== "string" || !other.endsWith(`.tmp-${pid}`)) return;
  if (!lstatSync(other, { throwIfNoEntry: false })?.isDirectory() || endedWriter(other) !== pid) return;
  removeMarked(other);
  tell(`Removed ${basename(other)}, which an interrupted run had left.`);
}

/** @param other the folder of another output of the same work */
export function writeMark(folder: string, other?: string): void {
  writeFileSync(join(folder, MARK_FILE), JSON.stringify({ host: hostname(), pid: process.pid, with: other }));
}

/** Remove a marked folder, its mark last, so that anything left after a kill is still recognised as ours. */
export function removeMarked(folder: string): void {
  for (const entry of readdirSync(folder)) if (entry !== MARK_FILE) rmSync(join(folder, entry), { recursive: true });
  rmSync(join(folder, MARK_FILE), { force: true });
  rmdirSync(folder);
}

/** The process whose mark a folder has, if it ran on this machine and has ended; else null. */
export function endedWriter(folder: string): number | null {
  return markOf(folder)?.pid ?? null;
}

/** The mark of a folder, if its process ran on this machine and has ended; else null. */
function markOf(folder: string): { readonly pid: number; readonly with?: unknown } | null {
  const file = join(folder, MARK_FILE);
  if (!existsSync(file)) return null;
  const stat = lstatSync(file);
  if (!stat.isFile() || stat.size > MAX_MARK_BYTES) return null;
  try {
    const { host, pid, with: other } = JSON.parse(readFileSync(file, "utf8"));
    return host === hostname() && typeof pid === "number" && !isRunning(pid) ? { pid, with: other } : null;
  } catch {
    // The process was killed while it wrote the mark.
    return { pid: 0 };
  }
}

/** Whether another process has this number. A folder with this process's own number was left by an ended process with the same number. */
export function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The final path of a path in an unfinished folder: `a.tmp-7/x` becomes `a/x`, and `a.tmp-7/a` becomes the file `a`. */
export function finishedPath(path: string): string {
  return path.replace(/([^/\\]+)\.tmp-\d+(?:[/\\]\1(?=$|[/\\]))?(?=$|[/\\])/g, "$1");
}
