import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.ts";
import { readText } from "../../src/node/files/read-text.ts";
import { tempFolder } from "../support/pico.ts";

const folder = tempFolder();
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

describe("readText", () => {
  it("reads UTF-8 of any length up to the most bytes, without a byte order mark", () => {
    expect(readText(file("empty", ""))).toBe("");
    expect(readText(file("some", "\ufeffa\u00e9\u{1f600}\n"))).toBe("a\u00e9\u{1f600}\n");
    const long = "\u00e9".repeat(100_000);
    expect(readText(file("long", long), { most: 200_000 })).toBe(long);
  });

  it("refuses one byte more than the most", () => {
    expect(() => readText(file("long", "x".repeat(101)), { name: "it", most: 100 })).toThrow(
      new FormatError("it has more than 100 bytes, too many for a text of its kind; is another file using its name?"),
    );
  });

  it("refuses what is not UTF-8", () => {
    expect(() => readText(file("latin1", new Uint8Array([0x61, 0xe9])))).toThrow(/latin1 is not UTF-8 text/);
  });

  it.skipIf(process.platform === "win32")("refuses folders, pipes and devices at once", () => {
    mkdirSync(join(folder, "folder"));
    spawnSync("mkfifo", [join(folder, "pipe")]);
    for (const path of [join(folder, "folder"), join(folder, "pipe"), "/dev/zero"]) {
      for (const pipes of [false, true]) {
        expect(() => readText(path, { pipes })).toThrow(/is a folder, pipe or device, but must be a regular file/);
      }
    }
  });

  it.skipIf(process.platform !== "linux")("reads files that do not say how long they are", () => {
    expect(readText("/proc/self/status")).toContain("Pid:");
  });
});
