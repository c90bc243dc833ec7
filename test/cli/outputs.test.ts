import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, MAIN, run } from "./run.ts";

const root = tempFolder();
const a = writeAdapter(join(root, "a"), randomAdapter(1));
const b = writeAdapter(join(root, "b"), randomAdapter(2));
const unet = { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 4, out: 4 } };
const image = writeAdapter(join(root, "image"), randomAdapter(3, { modules: unet }));
const WEIGHTS = "adapter_model.safetensors";
const compare = ["compare", a, b, "--methods", "cat"];

/** One sentence on stderr, and its status. */
async function refuses(args: readonly string[], words: RegExp, status = 1): Promise<void> {
  const { code, stderr } = await run(args);
  expect([code, lines(stderr)]).toEqual([status, [expect.stringMatching(/^error: /)]]);
  expect(stderr).toMatch(words);
}

describe("a page of compare", () => {
  it.concurrent("never takes the place of an input, whatever leads there, even with --force", async () => {
    const folder = tempFolder();
    const before = readFileSync(join(a, WEIGHTS));
    symlinkSync(join(a, WEIGHTS), join(folder, "soft"));
    linkSync(join(a, WEIGHTS), join(folder, "hard"));
    for (const page of [join(a, WEIGHTS), join(a, "page.html"), join(folder, "soft"), join(folder, "hard")]) {
      await refuses([...compare, "--html", page, "--force"], /the input .*; choose another --html/);
    }
    expect(readFileSync(join(a, WEIGHTS))).toEqual(before);
    expect(readdirSync(a)).toHaveLength(2);
  });

  it.concurrent("takes the place of another's file with --force only, and of its own without", async () => {
    const page = join(tempFolder(), "thesis.html");
    writeFileSync(page, "<h1>Thesis</h1>");
    await refuses([...compare, "--html", page], /exists and was not written by lora-lego; pass --force/);
    expect(readFileSync(page, "utf8")).toBe("<h1>Thesis</h1>");
    expect((await run([...compare, "--html", page, "--force"])).code).toBe(0);
    const made = readFileSync(page, "utf8");
    expect(made).toMatch(/^<!doctype html>[\s\S]*Merge methods compared[\s\S]*<\/html>\n$/);
    expect((await run([...compare, "--html", page])).code).toBe(0);
  });
});

/** A file where a pipe or device is due would lose what others write to it. */
describe.skipIf(process.platform === "win32")("pages and reports onto devices and pipes", () => {
  const out = join(root, "never");
  const commands: [string, string[]][] = [
    ["compare --html", [...compare, "--force", "--html"]],
    ["merge --report", ["merge", a, b, "--out", out, "--report"]],
    ["merge --dry-run --report", ["merge", a, b, "--out", out, "--dry-run", "--report"]],
    ["convert", ["convert", image, "--to", "kohya", "--force", "--out"]],
  ];

  it.concurrent.each(commands)("%s is refused before any work, and nothing is replaced", async (name, args) => {
    const pipe = join(tempFolder(), "pipe.safetensors");
    execFileSync("mkfifo", [pipe]);
    const devices = name === "convert" ? [pipe] : ["/dev/null", "/dev/stdout", "/dev/full", pipe].filter(existsSync);
    for (const device of devices) await refuses([...args, device], /is a pipe or device, which a file cannot replace/);
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
    expect(statSync(pipe).isFIFO()).toBe(true);
    expect(existsSync(out)).toBe(false);
  });

  it.concurrent("the file that stdout goes to is not replaced under the shell's hands", () => {
    const log = join(tempFolder(), "log.html");
    for (const page of ["/dev/stdout", log]) {
      const { status, stderr } = spawnSync(process.execPath, [MAIN, ...compare, "--force", "--html", page], {
        env: { PATH: process.env.PATH, NO_COLOR: "1" },
        stdio: ["ignore", openSync(log, "w"), "pipe"],
        encoding: "utf8",
      });
      expect(stderr).toMatch(/^error: The output .* is this command's own standard output; choose another --html/);
      expect(status).toBe(1);
    }
  });
});

describe("a report", () => {
  it.concurrent("takes the place of another's file with --force only, and appears with its output or not at all", async () => {
    const folder = tempFolder();
    const [out, report] = [join(folder, "out"), join(folder, "notes.json")];
    writeFileSync(report, "{}");
    await refuses(["merge", a, b, "--out", out, "--report", report], /exists and was not written by lora-lego/);
    expect(readdirSync(folder)).toEqual(["notes.json"]);
    expect((await run(["merge", a, b, "--out", out, "--report", report, "--force"])).code).toBe(0);
    expect(JSON.parse(readFileSync(report, "utf8")).version).toBe(1);
    const before = readFileSync(report, "utf8");
    await refuses(["merge", a, "--out", out, "--report", report], /out exists; pass --force/);
    expect(readFileSync(report, "utf8")).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(["notes.json", "out"]);
  });

  it.concurrent("never takes the place of the recipe that asks for it, nor does the output", async () => {
    const folder = tempFolder();
    const recipe = join(folder, "recipe.yaml");
    writeFileSync(recipe, `adapters: [${JSON.stringify(a)}, ${JSON.stringify(b)}]\nout: out\nreport: recipe.yaml\n`);
    await refuses(["run", recipe, "--force"], /is the input .*recipe\.yaml or inside it; choose another --report/);
    expect(readdirSync(folder)).toEqual(["recipe.yaml"]);
  });
});

describe("a converted file", () => {
  it.concurrent("never takes the place of the base's config, even with --force", async () => {
    const config = join(tempFolder(), "config.safetensors");
    writeFileSync(config, '{"model_type":"llama"}');
    await refuses(
      ["convert", image, "--to", "kohya", "--base-config", config, "--out", config, "--force"],
      /is the input .* or inside it/,
    );
    expect(readFileSync(config, "utf8")).toBe('{"model_type":"llama"}');
  });
});

describe("texts that are no plain files", () => {
  it.skipIf(process.platform === "win32")("are refused at once, whatever asks for them", async () => {
    const folder = tempFolder();
    const pipe = join(folder, "pipe.yaml");
    execFileSync("mkfifo", [pipe]);
    const adapter = writeAdapter(join(folder, "adapter"), randomAdapter(1));
    symlinkSync("/dev/zero", join(adapter, "README.md"));
    const commands = [pipe, "/dev/zero"].flatMap((path) => [
      ["run", path],
      ["bench", "--config", path],
      ["eval", "--base", a, "--tasks", path],
      ["convert", a, "--to", "gguf", "--base-config", path, "--out", join(folder, "x.gguf")],
    ]);
    for (const args of commands) await refuses(args, /is a folder, pipe or device, but must be a regular file/);
    expect((await run(["merge", adapter, "--out", join(folder, "out")])).code).toBe(0);
    // The card decides whose a folder is.
    await refuses(["merge", a, "--out", adapter, "--force"], /was not written by lora-lego/);
  });

  it.skipIf(process.platform === "win32")("are read where the shell hands them over open", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "recipe.yaml"), `adapters: [a, b]\n`);
    for (const given of [
      "cat recipe.yaml | $RUN /dev/stdin",
      "$RUN /dev/stdin < recipe.yaml",
      "$RUN <(cat recipe.yaml)",
    ]) {
      const shell = `${given} --adapters ${root} --out out --force`.replace("$RUN", `${process.execPath} ${MAIN} run`);
      const { status, stderr } = spawnSync("bash", ["--norc", "-c", shell], { cwd: folder, encoding: "utf8" });
      expect([status, /^error/m.test(stderr)], given).toEqual([0, false]);
    }
    const endless = spawnSync("bash", ["--norc", "-c", `${process.execPath} ${MAIN} run <(yes) --out out`], {
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
    expect(endless.stderr).toMatch(/^error: .* has more than 4194304 bytes/);
  });
});

describe("the name of an output", () => {
  const out = (name: string): string => join(root, name);

  it.concurrent.each(["x.bin", "x.pt", "x.ckpt", "x.ZIP", "x.json"])(
    "is refused where it ends like another file: %s",
    async (name) => {
      for (const command of [
        ["merge", a, b],
        ["convert", a, "--to", "mlx"],
        ["resize", a, "--rank", "1"],
      ]) {
        await refuses(
          [...command, "--out", out(name)],
          /lora-lego writes no \.\w+ files: a name that ends in \.safetensors or \.gguf means one file, and any other a folder;/,
          2,
        );
      }
      expect(existsSync(out(name))).toBe(false);
    },
  );

  it.concurrent("may have dots elsewhere", async () => {
    const { code } = await run(["merge", a, b, "--out", out("llama-3.1"), "--quiet"]);
    expect([code, statSync(out("llama-3.1")).isDirectory()]).toEqual([0, true]);
  });

  it.concurrent("is no reason to refuse where no name would do", async () => {
    const wrong = out("wrong");
    await refuses(
      ["merge", a, b, "--for", "comfyui", "--out", wrong],
      /^error: wrong: \S+ has no certain name in kohya's keys/,
    );
    await refuses(
      ["convert", a, "--to", "kohya", "--out", wrong],
      /^error: a: \S+ has no certain name in kohya's keys/,
    );
    await refuses(
      ["merge", image, image, "--for", "llamacpp", "--out", wrong],
      /llama\.cpp runs (?:only )?language models/,
    );
    await refuses(["merge", image, a, "--for", "vllm", "--out", out("wrong.gguf")], /^error: image \(/);
  });

  it.concurrent("is named together with what else is missing", async () => {
    await refuses(
      ["merge", a, b, "--for", "llamacpp", "--out", out("wrong")],
      /pass --out with a name that ends in \.gguf, not \S+wrong; .* pass its config\.json as --base-config/,
      2,
    );
  });
});
