import { closeSync, fsyncSync, openSync, statSync } from "node:fs";
import { OutputError } from "../../core/errors.ts";
import { freeBytes } from "../files/free-bytes.ts";
import { naming } from "../files/named-failure.ts";

/** Disk space that must stay free in addition to the output, in bytes. */
const SPARE_BYTES = 16 * 2 ** 20;

/** Flush a file or folder to disk; Windows does not flush folders. */
export function flush(path: string): void {
  if (process.platform === "win32" && statSync(path).isDirectory()) return;
  const descriptor = openSync(path, process.platform === "win32" ? "r+" : "r");
  try {
    naming(path, () => fsyncSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Refuse when the file system of a folder has less room than an output needs.
 *
 * @param name the output's name in messages
 */
export function checkSpace(folder: string, bytes: number, name: string): void {
  const free = freeBytes(folder);
  if (free >= bytes + SPARE_BYTES) return;
  throw new OutputError(
    `The result needs ${megabytes(bytes)} MB and ${megabytes(SPARE_BYTES)} MB to spare, but only ${megabytes(free)} MB are free next to ${name}; free some space or choose another --out.`,
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}
