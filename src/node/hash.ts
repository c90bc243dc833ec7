import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";

const CHUNK_BYTES = 1 << 20;

/** SHA-256 of files one after the other, hexadecimal. */
export function hashFiles(paths: readonly string[]): string {
  const hash = createHash("sha256");
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (const path of paths) {
    const descriptor = openSync(path, "r");
    try {
      for (let count = readSync(descriptor, chunk); count > 0; count = readSync(descriptor, chunk)) {
        hash.update(chunk.subarray(0, count));
      }
    } finally {
      closeSync(descriptor);
    }
  }
  return hash.digest("hex");
}
