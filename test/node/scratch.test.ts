import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withScratch } from "../../src/node/output/scratch.ts";
import { MARK_FILE } from "../../src/node/output/unfinished.ts";
import { tempFolder } from "../support/pico.ts";

/** Above what systems give. */
const ENDED = 99_999_999;
let temporary: string;

beforeEach(() => {
  temporary = tempFolder();
  vi.stubEnv("TMPDIR", temporary);
});

afterEach(() => vi.unstubAllEnvs());

/** A scratch folder as a process left it. */
function left(name: string, mark: string | null): string {
  const folder = join(temporary, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "base.gguf"), "1");
  if (mark !== null) writeFileSync(join(folder, MARK_FILE), mark);
  return folder;
}
const markOf = (pid: number, host = hostname()): string => JSON.stringify({ host, pid });

describe("a scratch folder", () => {
  it("is left alone while this process works in it", async () => {
    await withScratch("eval", async (first) => {
      writeFileSync(join(first, "base.gguf"), "1");
      await withScratch("eval", async (second) => {
        expect(second).not.toBe(first);
        expect(existsSync(join(first, "base.gguf"))).toBe(true);
      });
      expect(readdirSync(temporary)).toEqual([basename(first)]);
    });
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("goes when the work fails", async () => {
    const work = withScratch("eval", () => Promise.reject(new Error("failed")));
    await expect(work).rejects.toThrow("failed");
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.each([
    ["whose mark is whole", markOf(process.ppid)],
    ["whose mark is just being written", ""],
    ["whose mark is yet to be written", null],
  ])("of another process that runs is left alone: one %s", async (_, mark) => {
    const folder = left(`lora-lego-eval-${process.ppid}-abcdef`, mark);
    await withScratch("eval", async () => expect(existsSync(join(folder, "base.gguf"))).toBe(true));
  });

  it.each([
    ["another process", ENDED, markOf(ENDED)],
    ["another process, killed while it wrote the mark", ENDED, ""],
    ["a process that had this one's number", process.pid, markOf(process.pid)],
  ])("goes where it was left by %s", async (_, pid, mark) => {
    const folder = left(`lora-lego-eval-${pid}-abcdef`, mark);
    await withScratch("eval", async () => expect(existsSync(folder)).toBe(false));
  });

  it.each([
    ["another kind", `lora-lego-bench-${ENDED}-abcdef`, markOf(ENDED)],
    ["another machine", `lora-lego-eval-${ENDED}-abcdef`, markOf(ENDED, "elsewhere")],
    ["no mark", `lora-lego-eval-${ENDED}-abcdef`, null],
    ["another name", "lora-lego-eval-mine", markOf(ENDED)],
  ])("is no business of ours with %s", async (_, name, mark) => {
    const folder = left(name, mark);
    await withScratch("eval", async () => expect(existsSync(join(folder, "base.gguf"))).toBe(true));
  });
});
