import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endedWriter, removeMarked, writeMark } from "./unfinished.ts";

/**
 * Do work in a scratch folder of this machine's temporary ones, and remove it whatever happens; what killed runs left of theirs goes too.
 *
 * @param kind part of its name
 */
export async function withScratch<T>(kind: string, work: (folder: string) => Promise<T>): Promise<T> {
  const parent = tmpdir();
  const stem = join(parent, `lora-lego-${kind}-`);
  for (const entry of readdirSync(parent, { withFileTypes: true })) {
    const folder = join(parent, entry.name);
    if (!entry.isDirectory() || !folder.startsWith(stem)) continue;
    try {
      if (endedWriter(folder) !== null) removeMarked(folder);
    } catch {
      // Another user's, or another run is removing it.
    }
  }
  const folder = mkdtempSync(stem);
  try {
    writeMark(folder);
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
