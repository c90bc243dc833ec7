import { closeSync, fsyncSync, openSync, statfsSync, statSync } from "node:fs";
import { OutputError } from "../../core/errors.ts";
import { naming } from "../input/named-failure.ts";

/** Space that must stay free beside an output, in bytes. */
const SPARE_BYTES = 16 * 2 ** 20;

/** Make a file or folder durable; Windows flushes no folders. */
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
 * @param name what the output is called
 */
export function checkSpace(folder: string, bytes: number, name: string): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= bytes + SPARE_BYTES) return;
  throw new OutputError(
    `The result needs ${megabytes(bytes)} MB and ${megabytes(SPARE_BYTES)} MB to spare, but only ${megabytes(bavail * bsize)} MB are free beside ${name}; free some space or choose another --out.`,
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}
