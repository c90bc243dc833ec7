import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endedWriter, isRunning, removeMarked, writeMark } from "./unfinished.ts";

/** Scratch folders that this process works in. */
const live = new Set<string>();

/**
 * Do work in a scratch folder in the system's temporary folder, and always remove it; scratch folders left by killed runs are removed too.
 *
 * @param kind part of its name
 */
export async function withScratch<T>(kind: string, work: (folder: string) => Promise<T>): Promise<T> {
  const parent = tmpdir();
  const stem = `lora-lego-${kind}-`;
  for (const entry of readdirSync(parent, { withFileTypes: true })) {
    const folder = join(parent, entry.name);
    const pid = entry.name.startsWith(stem) ? /^(\d+)-/.exec(entry.name.slice(stem.length))?.[1] : undefined;
    if (!entry.isDirectory() || pid === undefined || live.has(folder) || isRunning(Number(pid))) continue;
    try {
      if (endedWriter(folder) !== null) removeMarked(folder);
    } catch {
      // It belongs to another user, or another run is removing it.
    }
  }
  const folder = mkdtempSync(join(parent, `${stem}${process.pid}-`));
  live.add(folder);
  try {
    writeMark(folder);
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    live.delete(folder);
  }
}
