import { readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

// Worker threads load files of the build.
const built = (file: string) => import(new URL(`../../build/lib/${file}`, import.meta.url).href);

/** Files below a folder that this process, with all its threads, has open. */
function openBelow(folder: string): string[] {
  const links = readdirSync("/proc/self/fd").flatMap((file) => {
    try {
      return [readlinkSync(`/proc/self/fd/${file}`)];
    } catch {
      return [];
    }
  });
  return links.filter((link) => link.startsWith(folder));
}

describe.runIf(process.platform === "linux")("merges on a pool of threads", () => {
  it("leave no file open, and the thread runs the next one", async () => {
    const { LanePool } = await built("queue/lane-pool.js");
    const { hostOnThreads } = await built("queue/thread-host.js");
    const { mergeChecked } = await built("node/merge-adapters.js");
    const folder = tempFolder();
    const paths = [1, 2].map((seed) => writeAdapter(join(folder, `${seed}`), randomAdapter(seed)));
    const pool = new LanePool(1);
    try {
      for (const name of ["first", "second"]) {
        const out = join(folder, name);
        const merging = mergeChecked(paths, { method: "cat" }, { out }, { withHost: hostOnThreads(pool) });
        await merging;
        rmSync(out, { recursive: true });
        expect(openBelow(folder)).toEqual([]);
      }
    } finally {
      await pool.close();
    }
  });
});
