import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { OutputError, UsageError } from "../../src/core/errors.ts";
import { intoFile, intoFolder, type OutputOptions } from "../../src/node/output/into-output.ts";
import type { OutputFile } from "../../src/node/output/output-file.ts";
import type { OutputFolder } from "../../src/node/output/output-folder.ts";
import { intoOutput } from "../../src/node/output/output-place.ts";
import { MARK_FILE } from "../../src/node/output/unfinished.ts";
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

describe("intoOutput with a report elsewhere", () => {
  const ended = spawnSync(process.execPath, ["--version"]).pid;

  /** What a run leaves that is killed while it writes: the state in the midst of one, under an ended process's number. */
  async function killed(out: string): Promise<void> {
    mkdirSync(at("notes"));
    const left: Record<string, string> = {};
    await intoOutput(at(out), [], { report: at("notes/report.json") }, async () => {
      for (const folder of [`${out}.tmp-${process.pid}`, `notes/report.json.tmp-${process.pid}`]) {
        left[folder] = readFileSync(at(`${folder}/${MARK_FILE}`), "utf8");
      }
      throw new Error("stop");
    }).catch(() => {});
    for (const [folder, mark] of Object.entries(left)) {
      const name = folder.replace(/\d+$/, `${ended}`);
      mkdirSync(at(name));
      writeFileSync(at(`${name}/${MARK_FILE}`), mark.replaceAll(String(process.pid), String(ended)));
    }
  }
  const again = async (out: string): Promise<string[]> => {
    const told: string[] = [];
    await intoOutput(at(out), [], { onNotice: (text) => told.push(text) }, async (output) => {
      output.write(CARD_FILE, extractionCard("base", "tuned", [CARD_FILE], "lora-lego"));
    });
    return told;
  };

  it.each(["out", "out.gguf"])("is cleared away with %s by the next run, which may write no report", async (out) => {
    await killed(out);
    expect(readdirSync(at("notes"))).toEqual([`report.json.tmp-${ended}`]);
    const told = await again(out);
    expect(readdirSync(folder).sort()).toEqual(["notes", out]);
    expect(readdirSync(at("notes"))).toEqual([]);
    expect(told).toContain(`Removed report.json.tmp-${ended}, which an interrupted run had left.`);
  });

  it("is cleared away where the run was killed between its output and its report", async () => {
    await killed("out");
    renameSync(at(`out.tmp-${ended}`), at("out"));
    expect(await again("out")).toEqual([`Removed report.json.tmp-${ended}, which an interrupted run had left.`]);
    expect(readdirSync(at("notes"))).toEqual([]);
  });

  it.each([
    ["has no mark", () => ""],
    ["has another machine's mark", () => JSON.stringify({ host: "elsewhere", pid: ended })],
    ["has a running process's mark", (mark: string) => mark.replace(String(ended), String(process.ppid))],
  ])("stays where it %s", async (_, change) => {
    await killed("out");
    const mark = at(`notes/report.json.tmp-${ended}/${MARK_FILE}`);
    const changed = change(readFileSync(mark, "utf8"));
    if (changed === "") renameSync(mark, at(`notes/report.json.tmp-${ended}/thesis.txt`));
    else writeFileSync(mark, changed);
    await again("out");
    expect(readdirSync(at("notes"))).toEqual([`report.json.tmp-${ended}`]);
  });
});
