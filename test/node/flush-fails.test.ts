import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { flushMeanwhile } from "../../src/node/output/flush.ts";
import { tempFolder } from "../support/pico.ts";

let flushes = 0;
vi.mock("node:fs", async (original) => ({
  ...(await original<typeof import("node:fs")>()),
  // A disk that fails the first flush and says nothing of it to later ones, as Linux does.
  fdatasync(_: number, done: (error: Error | null) => void) {
    const error = flushes++ === 0 ? Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" }) : null;
    setImmediate(() => done(error));
  },
}));

it("an error of a flush is told when flushing stops, with the file", async () => {
  const path = join(tempFolder(), "weights");
  writeFileSync(path, "written");
  const stop = flushMeanwhile(path);
  await vi.waitUntil(() => flushes > 1, { timeout: 10_000 });
  await expect(stop()).rejects.toMatchObject({ code: "EIO", path });
});
