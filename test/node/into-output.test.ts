import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { OutputError, UsageError } from "../../src/core/errors.ts";
import { intoFile, intoFolder, type OutputOptions } from "../../src/node/output/into-output.ts";
import type { OutputFile } from "../../src/node/output/output-file.ts";
import type { OutputFolder } from "../../src/node/output/output-folder.ts";
import { CARD_FILE, extractionCard } from "../../src/report/card.ts";
import { tempFolder } from "../support/pico.ts";

let folder = "";
const at = (name: string): string => join(folder, name);
const FAR_TOO_MUCH = 2 ** 60;

beforeEach(() => {
  folder = tempFolder();
});

/** An output with something in it, and then what the test does. */
type Work<T> = (output: OutputFolder | OutputFile) => T;
const folderWith = <T>(options: OutputOptions, work: Work<T>): Promise<T> =>
  intoFolder(at("out"), [], options, async (output) => {
    output.write(CARD_FILE, extractionCard("base", "tuned", [CARD_FILE], "lora-lego"));
    return work(output);
  });
const fileWith = <T>(options: OutputOptions, work: Work<T>): Promise<T> =>
  intoFile(at("out"), [], options, async (output) => {
    output.write("new");
    return work(output);
  });

describe.each([
  ["intoFolder", folderWith, `out/${CARD_FILE}`],
  ["intoFile", fileWith, "out"],
] as const)("%s", (_, into, written) => {
  it("gives what the work gives, once the output is there", async () => {
    expect(await into({}, () => readdirSync(folder))).toEqual([`out.tmp-${process.pid}`]);
    expect(readdirSync(folder)).toEqual(["out"]);
    expect(readFileSync(at(written), "utf8").length).toBeGreaterThan(0);
  });

  it("leaves nothing of work that fails, nor of an output without room", async () => {
    const broken = into({}, () => {
      throw new RangeError("broken");
    });
    await expect(broken).rejects.toThrow(RangeError);
    expect(readdirSync(folder)).toEqual([]);
    await expect(into({ bytes: FAR_TOO_MUCH }, () => expect.unreachable())).rejects.toThrow(OutputError);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("keeps what only the work needs out of the output", async () => {
    await into({}, (output) => writeFileSync(output.scratch("x"), "scratch"));
    expect(readdirSync(folder, { recursive: true })).toEqual(written === "out" ? ["out"] : ["out", written]);
  });
});

describe("intoFolder", () => {
  it.each(["x.safetensors", "x.gguf"])("refuses the name of a single file: %s", async (name) => {
    const work = intoFolder(at(name), [], {}, async () => {});
    await expect(work).rejects.toThrow(UsageError);
    await expect(work).rejects.toThrow(/x\.\w+ is named like a single file; pass a folder's name/);
    expect(readdirSync(folder)).toEqual([]);
  });
});
