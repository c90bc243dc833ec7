import { createHash } from "node:crypto";
import { closeSync, readSync } from "node:fs";
import { FormatError } from "../../core/errors.ts";
import { naming } from "../files/named-failure.ts";
import { openRegular } from "../files/regular-file.ts";

const CHUNK_BYTES = 1 << 20;

/** SHA-256 of the files' concatenated bytes, in hex. */
export function hashFiles(paths: readonly string[]): string {
  const hash = createHash("sha256");
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (const path of paths) {
    const descriptor = openRegular(path);
    if (descriptor === null)
      throw new FormatError(`${path} is no longer a regular file; pass an adapter whose files stay in place.`);
    try {
      const next = (): number => naming(path, () => readSync(descriptor, chunk));
      for (let count = next(); count > 0; count = next()) {
        hash.update(chunk.subarray(0, count));
      }
    } finally {
      closeSync(descriptor);
    }
  }
  return hash.digest("hex");
}
