import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { OutputError } from "../../src/core/errors.ts";
import { mergeToFolder } from "../../src/node/merge-adapters.ts";
import { OutputFolder } from "../../src/node/output/output-folder.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const room = vi.hoisted(() => ({ bytes: Number.POSITIVE_INFINITY }));
vi.mock("node:fs", async (original) => ({
  ...(await original<typeof import("node:fs")>()),
  statfsSync: () => ({ bavail: room.bytes / 4096, bsize: 4096 }),
}));

/** A folder that lora-lego wrote, and the input that it was made from; tests copy the first. */
let written = "";
let input = "";
/** Where a test writes, fresh for each. */
let target = "";
let told: string[] = [];
/** The id of a process that has ended, and of one that runs. */
const ended = spawnSync(process.execPath, ["--version"]).pid;
const running = process.ppid;

beforeAll(async () => {
  const root = tempFolder();
  input = writeAdapter(join(root, "input"), randomAdapter(1));
  written = join(root, "written");
  await mergeToFolder([input], {}, { out: written });
});

beforeEach(() => {
  target = join(tempFolder(), "merged");
  told = [];
});

function create(options: { path?: string; inputs?: string[]; force?: boolean } = {}): OutputFolder {
  const { path = target, inputs = [input], force = false } = options;
  return OutputFolder.create(path, inputs, force, (text) => told.push(text));
}

/** Write one file by way of an OutputFolder, as a merge would. */
function replace(text: string, force: boolean): void {
  const output = create({ force });
  writeFileSync(output.path("README.md"), text);
  output.commit();
}

function namesBeside(folder: string): string[] {
  return readdirSync(dirname(folder)).sort();
}

describe("OutputFolder", () => {
  it("shows nothing at the target before the commit, and all of it after", () => {
    const output = create();
    writeFileSync(output.path("a"), "1");
    writeFileSync(output.path("b"), "2");
    expect(namesBeside(target)).toEqual([`merged.tmp-${process.pid}`]);
    output.commit();
    expect(namesBeside(target)).toEqual(["merged"]);
    expect(readdirSync(target)).toEqual(["a", "b"]);
    expect(told).toEqual([]);
  });

  it("is refused while this process is writing the same target", () => {
    const output = create();
    expect(() => create()).toThrow(/Another merge of this process is writing .*merged; wait for it/);
    output.discard();
    create().discard();
  });

  it("leaves nothing where the folder cannot be made", () => {
    const root = dirname(target);
    expect(() => create({ path: join(root, "new", "x".repeat(300)) })).toThrow(/ENAMETOOLONG/);
    expect(readdirSync(root)).toEqual([]);
  });

  it("leaves nothing when it is discarded, nor the folders that it made for its target", () => {
    const root = dirname(target);
    const output = create({ path: join(root, "new", "deep", "merged") });
    writeFileSync(output.path("a"), "1");
    expect(existsSync(join(root, "new", "deep"))).toBe(true);
    output.discard();
    expect(readdirSync(root)).toEqual([]);
  });

  it("keeps folders that were there, and files that others put into those it made, when it is discarded", () => {
    const root = dirname(target);
    mkdirSync(join(root, "there"));
    create({ path: join(root, "there", "merged") }).discard();
    expect(readdirSync(root)).toEqual(["there"]);
    const output = create({ path: join(root, "there", "new", "merged") });
    writeFileSync(join(root, "there", "new", "note.txt"), "mine");
    output.discard();
    expect(readdirSync(join(root, "there", "new"))).toEqual(["note.txt"]);
  });

  it("takes an empty folder without --force", () => {
    mkdirSync(target);
    replace("new", false);
    expect(readFileSync(join(target, "README.md"), "utf8")).toBe("new");
  });

  it("replaces a folder that lora-lego wrote with --force only", () => {
    cpSync(written, target, { recursive: true });
    expect(() => create()).toThrow(
      new OutputError(`The output ${target} exists; pass --force to replace it, or choose another --out.`),
    );
    expect(readdirSync(target)).toEqual(readdirSync(written));
    replace("new", true);
    expect(readdirSync(target)).toEqual(["README.md"]);
    expect(readFileSync(join(target, "README.md"), "utf8")).toBe("new");
    expect(namesBeside(target)).toEqual(["merged"]);
  });

  it.each([false, true])("refuses a folder that it did not write and changes nothing in it (force %s)", (force) => {
    mkdirSync(target);
    writeFileSync(join(target, "thesis.txt"), "mine");
    expect(() => create({ force })).toThrow(/merged exists and was not written by lora-lego; choose another --out/);
    writeFileSync(join(target, "README.md"), "# My thesis");
    expect(() => create({ force })).toThrow(/was not written by lora-lego/);
    expect(readdirSync(target)).toEqual(["README.md", "thesis.txt"]);
    expect(namesBeside(target)).toEqual(["merged"]);
  });

  it.each([false, true])("refuses a folder of its own that holds something else, naming it (force %s)", (force) => {
    cpSync(written, target, { recursive: true });
    writeFileSync(join(target, "thesis.txt"), "mine");
    expect(() => create({ force })).toThrow(/contains thesis\.txt, which lora-lego did not write; move it away/);
    rmSync(join(target, "thesis.txt"));
    mkdirSync(join(target, "runs"));
    expect(() => create({ force })).toThrow(/contains runs, which lora-lego did not write/);
    expect(namesBeside(target)).toEqual(["merged"]);
  });

  it.each([false, true])("refuses a file as its target, and as a folder above it (force %s)", (force) => {
    writeFileSync(target, "mine");
    expect(() => create({ force })).toThrow(`The output ${target} is a file; choose a folder for --out.`);
    expect(() => create({ force, path: join(target, "deeper") })).toThrow(/cannot be written: merged is a file/);
    expect(readFileSync(target, "utf8")).toBe("mine");
  });

  it("refuses a link to nothing as its target", () => {
    symlinkSync(join(dirname(target), "nowhere"), target);
    expect(() => create()).toThrow(/is a broken link; remove it or choose another --out/);
    expect(namesBeside(target)).toEqual(["merged"]);
  });

  it("replaces what a link leads to, and keeps the link", () => {
    const real = join(dirname(target), "real");
    cpSync(written, real, { recursive: true });
    symlinkSync(real, target);
    replace("new", true);
    expect(readFileSync(join(real, "README.md"), "utf8")).toBe("new");
    expect(readFileSync(join(target, "README.md"), "utf8")).toBe("new");
    expect(namesBeside(target)).toEqual(["merged", "real"]);
  });

  it("looks at the target again before it replaces anything", () => {
    const late = create({ force: true });
    writeFileSync(late.path("README.md"), "new");
    mkdirSync(target);
    writeFileSync(join(target, "thesis.txt"), "mine");
    expect(() => late.commit()).toThrow(/was not written by lora-lego/);
    late.discard();
    expect(readdirSync(target)).toEqual(["thesis.txt"]);

    rmSync(target, { recursive: true });
    const second = create();
    writeFileSync(second.path("README.md"), "new");
    cpSync(written, target, { recursive: true });
    expect(() => second.commit()).toThrow(/exists; pass --force/);
    second.discard();
    expect(readdirSync(target)).toEqual(readdirSync(written));
  });

  describe("beside its inputs", () => {
    /** An input of this test's own, a link to the folder that it lies in, and a link to itself. */
    function linked(): { root: string; own: string; way: string; twin: string } {
      const root = join(dirname(target), "inputs");
      const own = writeAdapter(join(root, "own"), randomAdapter(2));
      const way = join(dirname(target), "way");
      const twin = join(dirname(target), "twin");
      symlinkSync(root, way);
      symlinkSync(own, twin);
      return { root, own, way, twin };
    }

    it("refuses a target that is, contains or lies in an input, by whatever links", () => {
      const { root, own, way, twin } = linked();
      const before = readdirSync(own);
      const targets = [
        own,
        root,
        join(own, "merged"),
        join(own, "a", "b"),
        way,
        join(way, "own"),
        join(twin, "merged"),
      ];
      for (const path of targets) {
        for (const given of [own, twin, join(way, "own"), join(own, "adapter_model.safetensors")]) {
          const isFile = given.endsWith(".safetensors");
          // Beside a file that was passed itself there is room for the result.
          if (isFile && (path.startsWith(join(own, "/")) || path.startsWith(join(twin, "/")))) continue;
          expect(() => create({ path, inputs: [input, given], force: true }), `${path} for ${given}`).toThrow(
            `The output ${path} is the input ${given}, contains it or is inside it; choose another --out.`,
          );
        }
      }
      expect(readdirSync(own)).toEqual(before);
      expect(readdirSync(root)).toEqual(["own"]);
    });

    it("takes a target beside an input whose name begins with the input's", () => {
      const { own } = linked();
      const output = create({ path: `${own}-merged`, inputs: [own] });
      writeFileSync(output.path("README.md"), "new");
      output.commit();
      expect(readdirSync(`${own}-merged`)).toEqual(["README.md"]);
    });
  });

  describe("after a run that was killed", () => {
    it("puts the old folder back where the target is missing, and says so", () => {
      cpSync(written, `${target}.old-${ended}`, { recursive: true });
      expect(() => create()).toThrow(/exists; pass --force/);
      expect(readdirSync(target)).toEqual(readdirSync(written));
      expect(namesBeside(target)).toEqual(["merged"]);
      expect(told).toEqual([`Put back merged, which an interrupted run had left as merged.old-${ended}.`]);
    });

    /** A folder that a killed run was writing or removing; the mark says on which machine. */
    function unfinished(folder: string, host = hostname()): void {
      mkdirSync(folder);
      writeFileSync(join(folder, ".lora-lego-unfinished"), JSON.stringify({ host, pid: ended }));
      writeFileSync(join(folder, "adapter_model.safetensors"), "half");
    }

    const mark = (folder: string, pid: number): void =>
      writeFileSync(join(folder, ".lora-lego-unfinished"), JSON.stringify({ host: hostname(), pid }));

    it("removes what was half written and the old output that a complete one replaced, and says so", () => {
      cpSync(written, target, { recursive: true });
      mark(target, ended);
      cpSync(written, `${target}.old-${ended}`, { recursive: true });
      unfinished(`${target}.tmp-99999999`);
      create({ force: true }).discard();
      expect(namesBeside(target)).toEqual(["merged"]);
      expect(readdirSync(target)).toEqual(readdirSync(written));
      expect(told.sort()).toEqual([
        `Removed merged.old-${ended}, which an interrupted run had left.`,
        `Removed merged.tmp-99999999, which an interrupted run had left.`,
      ]);
    });

    it("leaves alone an older output that its user keeps beside the target", () => {
      cpSync(written, target, { recursive: true });
      cpSync(written, `${target}.old-${ended}`, { recursive: true });
      create({ force: true }).discard();
      expect(namesBeside(target)).toEqual(["merged", `merged.old-${ended}`]);
      expect(told).toEqual([]);
    });

    it("leaves alone unmarked folders, and those of another machine on a shared disk", () => {
      mkdirSync(`${target}.tmp-${ended}`);
      writeFileSync(join(`${target}.tmp-${ended}`, "thesis.txt"), "mine");
      unfinished(`${target}.tmp-99999999`, "elsewhere");
      create().discard();
      expect(namesBeside(target)).toEqual([`merged.tmp-${ended}`, `merged.tmp-99999999`]);
      expect(told).toEqual([]);
    });

    it("takes an output whose mark a kill left in it for complete", () => {
      cpSync(written, target, { recursive: true });
      mark(target, ended);
      replace("new", true);
      expect(readdirSync(target)).toEqual(["README.md"]);
    });

    it("leaves alone what belongs to a running process", () => {
      cpSync(written, `${target}.old-${running}`, { recursive: true });
      mkdirSync(`${target}.tmp-${running}`);
      create().discard();
      expect(namesBeside(target)).toEqual([`merged.old-${running}`, `merged.tmp-${running}`]);
      expect(told).toEqual([]);
    });

    it("leaves alone folders of its user and other outputs that only look alike", () => {
      mkdirSync(`${target}.old-${ended}`);
      writeFileSync(join(`${target}.old-${ended}`, "thesis.txt"), "mine");
      writeFileSync(`${target}.tmp-${ended}`, "a file");
      mkdirSync(`${target}.old-2024b`);
      mkdirSync(`${target}2.tmp-${ended}`);
      const before = namesBeside(target);
      create().discard();
      expect(namesBeside(target)).toEqual(before);
      expect(told).toEqual([]);
    });

    it("leaves alone an input that bears the name of an old output", () => {
      const old = `${target}.old-${ended}`;
      cpSync(written, old, { recursive: true });
      create({ inputs: [old] }).discard();
      expect(namesBeside(target)).toEqual([basename(old)]);
      expect(told).toEqual([]);
    });
  });

  it("refuses a result that does not fit beside the target, with both figures", () => {
    const output = create();
    room.bytes = 100e6;
    expect(() => output.checkSpace(50e6)).not.toThrow();
    expect(() => output.checkSpace(90e6)).toThrow(
      "The result needs 90 MB and 17 MB to spare, but only 100 MB are free next to merged; free some space or choose another --out.",
    );
    room.bytes = Number.POSITIVE_INFINITY;
    output.discard();
  });

  it("leaves nothing of a merge that does not fit", async () => {
    room.bytes = 1e6;
    await expect(mergeToFolder([input], {}, { out: target })).rejects.toThrow(/only 1\.0 MB are free/);
    room.bytes = Number.POSITIVE_INFINITY;
    expect(namesBeside(target)).toEqual([]);
  });
});
