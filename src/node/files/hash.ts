import { createHash } from "node:crypto";
import { closeSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { FormatError } from "../../core/errors.ts";
import { naming } from "./named-failure.ts";
import { openRegular } from "./regular-file.ts";

const CHUNK_BYTES = 1 << 20;
/** Chunks between two turns of the event loop: some milliseconds, so that a busy thread still hands jobs to others. */
const CHUNKS_A_TURN = 8;

/** SHA-256 of the files' concatenated bytes, in hex; the thread does other work in between. */
export async function hashFiles(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (const path of paths) {
    const descriptor = openRegular(path);
    if (descriptor === null)
      throw new FormatError(`${path} is no longer a regular file; pass an adapter whose files stay in place.`);
    try {
      const next = (): number => naming(path, () => readSync(descriptor, chunk));
      for (let count = next(), chunks = 1; count > 0; count = next(), chunks++) {
        hash.update(chunk.subarray(0, count));
        if (chunks % CHUNKS_A_TURN === 0) await setImmediate();
      }
    } finally {
      closeSync(descriptor);
    }
  }
  return hash.digest("hex");
}
