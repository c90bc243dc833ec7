import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { flushMeanwhile } from "../../src/node/output/flush.ts";
import { hashFiles } from "../../src/node/threads/hash.ts";
import { tempFolder } from "../support/pico.ts";

afterEach(() => vi.useRealTimers());

/** How many descriptors of this process lead to a file. */
function opened(path: string): number {
  return readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    } catch {
      return false;
    }
  }).length;
}

describe.skipIf(process.platform !== "linux")("flushing while a file is written", () => {
  it.each([
    ["none was due", 0],
    ["a flush is under way", 250],
  ])("leaves the file closed and as it was written, if %s", async (_, elapsed) => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const path = join(tempFolder(), "weights");
    writeFileSync(path, "written");
    const stop = flushMeanwhile(path);
    expect(opened(path)).toBe(1);
    vi.advanceTimersByTime(elapsed);
    await stop();
    expect(opened(path)).toBe(0);
    expect(readFileSync(path, "utf8")).toBe("written");
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the hash of files", () => {
  it("is that of their bytes one after the other, and lets the thread do other work in between", async () => {
    const folder = tempFolder();
    const large = Buffer.alloc(9 << 20, 7);
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    writeFileSync(one, large);
    writeFileSync(two, "end");
    const did: string[] = [];
    setImmediate(() => did.push("other work"));
    const hash = await hashFiles([one, two]);
    did.push("hashed");
    expect(did).toEqual(["other work", "hashed"]);
    expect(hash).toBe(createHash("sha256").update(large).update("end").digest("hex"));
  });
});
