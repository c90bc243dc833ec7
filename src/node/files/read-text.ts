import { closeSync, openSync, readSync, statSync } from "node:fs";
import { FormatError } from "../../core/errors.ts";
import { naming } from "./named-failure.ts";
import { openRegular } from "./regular-file.ts";

/** Configs and recipes have kilobytes; anything larger is another kind of file. */
const CONFIG_BYTES = 4 << 20;

/** The largest tokenizers have about 30 MB, as do lists of rows; 512 MB of text would not fit into a string. */
export const LARGE_TEXT_BYTES: number = 256 << 20;

const CHUNK_BYTES = 1 << 16;

/** How to read a text. */
export interface TextOptions {
  /** The file's name in messages. Default: its path. */
  readonly name?: string;
  /** The most bytes it may have. Default 4 MiB. */
  readonly most?: number;
  /** Also read a pipe that the shell passes open, such as /dev/stdin or <(...). Default false. */
  readonly pipes?: boolean;
}

/**
 * Read a file as UTF-8 text. Waits only for a pipe from the shell, and never keeps more than `most` bytes.
 *
 * @throws FormatError if it is not a regular file, is larger, or is not UTF-8
 */
export function readText(path: string, options: TextOptions = {}): string {
  const { name = path, most = CONFIG_BYTES, pipes = false } = options;
  const descriptor = pipes && isOpenPipe(path) ? openSync(path, "r") : openRegular(path);
  if (descriptor === null) {
    throw new FormatError(
      `${name} is a folder, pipe or device, but must be a regular file${isOpenPipe(path) ? "; save the pipe's output to a file and pass that" : "; pass another"}.`,
    );
  }
  try {
    return decode(readAll(descriptor, name, most), name);
  } finally {
    closeSync(descriptor);
  }
}

/** Whether a path names a pipe that this process was started with; named pipes have other paths. */
function isOpenPipe(path: string): boolean {
  return /^\/(dev\/stdin|dev\/fd\/\d+|proc\/self\/fd\/\d+)$/.test(path) && statSync(path).isFIFO();
}

/** All bytes to the end, whatever the reported size: files in /proc report 0. */
function readAll(descriptor: number, name: string, most: number): Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = naming(name, () => readSync(descriptor, chunk));
    if (count === 0) return Buffer.concat(chunks, size);
    size += count;
    if (size > most) {
      throw new FormatError(
        `${name} has more than ${most} bytes, too many for a text of its kind; is another file using its name?`,
      );
    }
    chunks.push(chunk.subarray(0, count));
  }
}

function decode(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new FormatError(`${name} is not UTF-8 text; save it as UTF-8, or pass another file.`);
  }
}
