import { spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { OutputError } from "../../src/core/errors.ts";
import { WRITTEN } from "../../src/core/written.ts";
import { OutputFile, type OutputFileOptions } from "../../src/node/output/output-file.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

let folder = "";
let target = "";
let told: string[] = [];
const ended = spawnSync(process.execPath, ["--version"]).pid;

beforeEach(() => {
  folder = tempFolder();
  target = join(folder, "page.html");
  told = [];
});

function write(content: string, options: Partial<OutputFileOptions> = {}, path = target): void {
  OutputFile.write(path, content, { inputs: [], tell: (text) => told.push(text), ...options });
}

const text = (path = target): string => readFileSync(path, "utf8");

describe("OutputFile", () => {
  it("shows nothing at the target before the commit, and nothing beside it after", () => {
    const file = OutputFile.create(target, { inputs: [] });
    file.write("new");
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(folder)).toEqual([`page.html.tmp-${process.pid}`]);
    file.commit();
    expect(readdirSync(folder)).toEqual(["page.html"]);
    expect(text()).toBe("new");
  });

  it("leaves nothing when it is discarded, nor the folders that it made", () => {
    const file = OutputFile.create(join(folder, "deep", "er", "x"), { inputs: [] });
    file.write("new");
    file.discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is refused while this process is writing the same target", () => {
    const file = OutputFile.create(target, { inputs: [] });
    expect(() => OutputFile.create(target, { inputs: [] })).toThrow(/is writing .*page\.html; wait for it/);
    file.discard();
    write("new");
    expect(text()).toBe("new");
  });

  it("replaces what exists by force only, whoever wrote it", () => {
    writeFileSync(target, "mine");
    expect(() => write("new")).toThrow(
      new OutputError(`The output ${target} exists; pass --force to replace it, or choose another --out.`),
    );
    expect(text()).toBe("mine");
    write("new", { force: true });
    expect(text()).toBe("new");
    expect(readdirSync(folder)).toEqual(["page.html"]);
  });

  it.each(["adapter_model.safetensors", "model.GGUF", "adapter_model.bin", "lora.pt", "adapter_config.json"])(
    "never puts a page or report in the place of %s, nor proposes it",
    (name) => {
      const weights = join(folder, name);
      writeFileSync(weights, "mine");
      for (const force of [false, true]) {
        expect(() => write("new", { remade: true, flag: "--html", force }, weights)).toThrow(
          new OutputError(
            `The output ${weights} is a file of a model or adapter, which a page or report never replaces; choose another --html.`,
          ),
        );
      }
      symlinkSync(weights, target);
      expect(() => write("new", { remade: true, force: true })).toThrow("never replaces");
      expect(text(weights)).toBe("mine");
      write("new", { force: true }, weights);
      expect(text(weights)).toBe("new");
    },
  );

  it.each([
    ["a page", `<!doctype html>\n${WRITTEN}\n<html>`],
    ["a table", `${WRITTEN}\n\n| a |`],
    ["a report", '{\n  "version": 1,\n  "tool": "lora-lego 0.0.1",\n  "inputs": []\n}'],
  ])("replaces %s that lora-lego wrote by one without force", (_, before) => {
    writeFileSync(target, before);
    write("new", { remade: true, flag: "--html" });
    expect(text()).toBe("new");
  });

  it.each([
    ["an empty file", ""],
    ["another page", "<!doctype html>\n<html>"],
    ["a page that tells of ours", `<!doctype html>\n<html>\n${WRITTEN}`],
    ["another report", '{ "tool": "lora-lego 0.0.1" }'],
  ])("replaces %s by a page only by force", (_, before) => {
    writeFileSync(target, before);
    expect(() => write("new", { remade: true, flag: "--html" })).toThrow(
      `The output ${target} exists and was not written by lora-lego; pass --force to replace it, or choose another --html.`,
    );
    expect(text()).toBe(before);
    write("new", { remade: true, force: true });
    expect(text()).toBe("new");
  });

  it("looks at the target again before it replaces anything", () => {
    const file = OutputFile.create(target, { inputs: [] });
    file.write("new");
    writeFileSync(target, "mine");
    expect(() => file.commit()).toThrow(/exists; pass --force/);
    file.discard();
    expect(text()).toBe("mine");
    expect(readdirSync(folder)).toEqual(["page.html"]);
  });

  it("replaces what a link leads to, and keeps the link", () => {
    const real = join(folder, "real");
    writeFileSync(real, "old");
    symlinkSync(real, target);
    write("new", { force: true });
    expect([text(real), readlinkSync(target)]).toEqual(["new", real]);
  });

  it.each(["force", "no force"])("refuses folders, links to nothing and inputs, by whatever links (%s)", (how) => {
    const force = how === "force";
    const input = writeAdapter(join(folder, "input"), randomAdapter(1));
    const weights = join(input, "adapter_model.safetensors");
    const before = readFileSync(weights);
    const soft = join(folder, "soft");
    const hard = join(folder, "hard");
    const way = join(folder, "way");
    symlinkSync(weights, soft);
    linkSync(weights, hard);
    symlinkSync(input, way);
    symlinkSync(join(folder, "nowhere"), target);
    for (const inputs of [[input], [way], [weights], [soft]]) {
      for (const path of [weights, soft, hard, join(way, "adapter_model.safetensors")]) {
        expect(() => write("new", { inputs, force }, path), `${path} for ${inputs}`).toThrow(
          /the input .*; choose another/,
        );
      }
    }
    expect(() => write("new", { inputs: [way], force }, join(input, "page.html"))).toThrow(
      /is the input .* or inside it/,
    );
    expect(() => write("new", { force })).toThrow(/is a broken link; choose another --out/);
    expect(() => write("new", { force }, folder)).toThrow(/is a folder; choose another --out/);
    expect(readFileSync(weights)).toEqual(before);
    expect(readdirSync(input)).toHaveLength(2);
  });

  it.skipIf(process.platform === "win32")("refuses devices and pipes, which a file must not replace", () => {
    spawnSync("mkfifo", [target]);
    for (const path of [target, "/dev/null", ...(process.platform === "linux" ? ["/dev/full"] : [])]) {
      expect(() => write("new", { force: true }, path)).toThrow(/is a pipe or device, which a file cannot replace/);
    }
    expect(readdirSync(folder)).toEqual(["page.html"]);
  });

  describe("after a run that was killed", () => {
    function leave(host: string, mark = true, of = target): string {
      const left = `${of}.tmp-${ended}`;
      mkdirSync(left);
      if (mark) writeFileSync(join(left, ".lora-lego-unfinished"), JSON.stringify({ host, pid: ended }));
      writeFileSync(join(left, "page.html"), "half");
      return left;
    }

    it("removes what it left, and says so", () => {
      leave(hostname());
      write("new");
      expect(readdirSync(folder)).toEqual(["page.html"]);
      expect(told).toEqual([`Removed page.html.tmp-${ended}, which an interrupted run had left.`]);
    });

    it("removes what it left of another file or folder there", () => {
      leave(hostname(), true, join(folder, "report.json"));
      write("new");
      expect(readdirSync(folder)).toEqual(["page.html"]);
      expect(told).toEqual([`Removed report.json.tmp-${ended}, which an interrupted run had left.`]);
    });

    it("removes two outputs of one run, of which one names the other, each once", () => {
      const report = leave(hostname(), true, join(folder, "report.json"));
      const first = leave(hostname(), false, join(folder, "out"));
      const mark = { host: hostname(), pid: ended, with: report };
      writeFileSync(join(first, ".lora-lego-unfinished"), JSON.stringify(mark));
      write("new");
      expect(readdirSync(folder)).toEqual(["page.html"]);
      expect(told.map((line) => line.split(" ")[1]).sort()).toEqual([`out.tmp-${ended},`, `report.json.tmp-${ended},`]);
    });

    it("leaves alone what this process is writing there", () => {
      const other = OutputFile.create(join(folder, "report.json"), { inputs: [] });
      write("new");
      other.write("report");
      other.commit();
      expect(readdirSync(folder).sort()).toEqual(["page.html", "report.json"]);
      expect(told).toEqual([]);
    });

    it.each([
      ["of another machine", () => leave("elsewhere")],
      ["that bears no mark", () => leave(hostname(), false)],
      ["of another file on another machine", () => leave("elsewhere", true, join(folder, "other.json"))],
      ["of another file without a mark", () => leave(hostname(), false, join(folder, "other.json"))],
    ])("leaves alone what is %s", (_, prepare) => {
      const left = prepare();
      write("new");
      expect(text(join(left, "page.html"))).toBe("half");
      expect(told).toEqual([]);
    });

    it("leaves alone a file that only bears such a name", () => {
      writeFileSync(`${target}.tmp-${ended}`, "mine");
      write("new");
      expect(text(`${target}.tmp-${ended}`)).toBe("mine");
    });
  });
});
