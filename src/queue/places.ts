import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UsageError } from "../core/errors.ts";
import { openFile } from "../node/files/file-source.ts";
import type { HubOptions } from "../node/remote/hub-adapters.ts";
import { isHubPath } from "../remote/hub/hub-path.ts";
import { isWebPath } from "../remote/web/web-path.ts";
import { secretsOf } from "../remote/web/web-secrets.ts";
import { printOfAddress } from "./address-print.ts";

/** Pieces of a file that its print covers, and their size. */
const PIECES = 64;
const PIECE_BYTES = 4096;
/** Files of a folder that hold a model or an adapter. */
const TELLING = /\.(safetensors|gguf|bin|pt|pth|npz|json)$/;
const CONFIG = /\.json$/;

/** An input, and what tells it from others at the same path or address on other machines. */
export interface Place {
  /** An absolute path, the same on all machines, a path on the Hub, or an address. */
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
 * a large one.
 */
export async function printOf(path: string): Promise<string> {
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

/**
 * The place of an input, as a producer names it. A path on the Hub at a commit is its own print.
 *
 * @param path absolute, on the Hub, or an address
 * @throws UsageError for an address with a secret, which would lie in Redis
 */
export async function placeOf(path: string, options: HubOptions = {}): Promise<Place> {
  if (isHubPath(path)) return { path, print: path, stamp: "" };
  if (!isWebPath(path)) return { path, print: await printOf(path), stamp: stampOf(path) };
  const { query, authorization } = secretsOf(path);
  if (query !== "" || authorization !== null) {
    throw new UsageError(
      `${path} comes with a query, a user or a password, and what a queue holds is no secret; pass a public address, or download it into a shared folder.`,
    );
  }
  return { path, print: await printOfAddress(path, options), stamp: "" };
}

function stampOf(path: string): string {
  const hash = createHash("sha256");
  for (const file of filesAt(path)) {
    const { size, mtimeNs } = statSync(file, { bigint: true });
    hash.update(`${basename(file)}\0${size}\0${mtimeNs}\0`);
  }
  return hash.digest("hex");
}

/** The files whose content counts for an input: those of a folder, or a file and the configs next to it. */
export function filesAt(path: string): string[] {
  if (path.endsWith(".gguf")) return [path];
  const whole = statSync(path).isDirectory();
  const folder = whole ? path : dirname(path);
  const beside = readdirSync(folder).filter((name) => (whole ? TELLING : CONFIG).test(name));
  const files = beside
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
  return [...new Set(whole ? files : [path, ...files])].sort();
}
