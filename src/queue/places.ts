import { createHash } from "node:crypto";
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { RefusedError } from "../core/errors.ts";
import { openFile } from "../node/files/file-source.ts";
import { isWithin, realPath } from "../node/files/real-path.ts";
import { isHubPath } from "../remote/hub/hub-path.ts";

/** Pieces of a file that its print covers, and their size. */
const PIECES = 64;
const PIECE_BYTES = 4096;
/** Files of a folder that hold a model or an adapter. */
const TELLING = /\.(safetensors|gguf|bin|pt|pth|npz|json)$/;
const CONFIG = /\.json$/;

/** A file or folder of an input, and what tells it from others at the same path on other machines. */
export interface Place {
  /** An absolute path, the same on all machines, or a path on the Hub. */
  readonly path: string;
  readonly print: string;
  /**
   * What tells it from what the producer read there before: a hash of the names, sizes and times of change of its files. Workers do not
   * compare it: copies of a file differ in their times.
   */
  readonly stamp: string;
}

/**
 * A print of a file, or of the files of a folder: SHA-256 of names, sizes and 64 pieces of each, so that it costs little for
 * a large one. A Hub path at a commit is its own print.
 */
export async function printOf(path: string): Promise<string> {
  if (isHubPath(path)) return path;
  const hash = createHash("sha256");
  for (const file of filesAt(path)) {
    const source = openFile(file, basename(file));
    try {
      hash.update(`${source.name}\0${source.size}\0`);
      const step = Math.max(PIECE_BYTES, Math.floor(source.size / PIECES));
      for (let at = 0; at < source.size; at += step) {
        const piece = new Uint8Array(Math.min(PIECE_BYTES, source.size - at));
        await source.read(at, piece);
        hash.update(piece);
      }
    } finally {
      source.close();
    }
  }
  return hash.digest("hex");
}

/** The place of an input, as a producer names it. @param path absolute, or on the Hub */
export async function placeOf(path: string): Promise<Place> {
  return { path, print: await printOf(path), stamp: stampOf(path) };
}

function stampOf(path: string): string {
  if (isHubPath(path)) return "";
  const hash = createHash("sha256");
  for (const file of filesAt(path)) {
    const { size, mtimeNs } = statSync(file, { bigint: true });
    hash.update(`${basename(file)}\0${size}\0${mtimeNs}\0`);
  }
  return hash.digest("hex");
}

/** The folders whose files a worker reads and writes. */
export class Roots {
  readonly #roots: readonly string[];

  /** @param folders that exist */
  constructor(folders: readonly string[]) {
    this.#roots = folders.map((folder) => realpathSync(folder));
  }

  /**
   * Check an input of a job: below a root with all links resolved, its files too, and with the producer's content.
   *
   * @throws RefusedError in words that follow "this worker leaves the work to others"
   */
  async check({ path, print }: Omit<Place, "stamp">): Promise<void> {
    if (isHubPath(path)) return;
    this.checkPath(path);
    if (!existsSync(path)) throw new RefusedError(`There is no ${path} here; mount the folder at the same path.`);
    for (const file of filesAt(path)) this.checkPath(file);
    if ((await printOf(path)) === print) return;
    throw new RefusedError(`${path} here has another content than where the work comes from; bring the same files.`);
  }

  /** @throws RefusedError for a path that is not below a root with all links resolved */
  checkPath(path: string): void {
    if (isAbsolute(path) && this.#roots.some((root) => isWithin(realPath(path), root))) return;
    throw new RefusedError(`${path} is not below ${this.#roots.join(" or ")}; start the worker with --root for it.`);
  }
}

/** The files whose content counts for an input: those of a folder, or a file and the configs next to it. */
function filesAt(path: string): string[] {
  if (path.endsWith(".gguf")) return [path];
  const whole = statSync(path).isDirectory();
  const folder = whole ? path : dirname(path);
  const beside = readdirSync(folder).filter((name) => (whole ? TELLING : CONFIG).test(name));
  const files = beside
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
  return [...new Set(whole ? files : [path, ...files])].sort();
}
