import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "./run.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lora-lego-own-"));
afterAll(() => rmSync(folder, { recursive: true }));
const METHOD = pathToFileURL(join(root, "examples/methods/norm-average.mjs")).href;
const adapters = ["reverse", "sort"].map((name) => join(root, "examples/adapters", name));
// A user's project, which has the built package.
mkdirSync(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules/lora-lego"), "dir");

/** Run a script in the user's project. @returns what it printed */
async function script(text: string): Promise<string> {
  const file = join(folder, "script.mjs");
  writeFileSync(file, text);
  return (await promisify(execFile)(process.execPath, [file], { cwd: folder })).stdout.trim();
}

const weights = (out: string): Buffer => readFileSync(join(folder, out, "adapter_model.safetensors"));

/** Merge by a method that a text registers, as `id`, on some threads. @returns the error's name and message, or "" */
const mergeBy = (register: string, id: string, out: string, threads: number): Promise<string> =>
  script(`import { mergeToFolder } from "lora-lego/node";
    ${register}
    const options = { out: ${JSON.stringify(out)}, threads: ${threads} };
    await mergeToFolder(${JSON.stringify(adapters)}, { method: "${id}" }, options).catch((error) => console.log(String(error)));`);

describe("a method from outside", () => {
  it("gives the same bytes on one thread and on two, whose worker imports its module", async () => {
    const register = `await import("${METHOD}");`;
    expect(await mergeBy(register, "norm_average", "one", 1)).toBe("");
    expect(await mergeBy(register, "norm_average", "two", 2)).toBe("");
    expect(weights("two")).toEqual(weights("one"));
  });

  it("is merged on the caller's thread where it was registered without its module", async () => {
    const register = `import { isMainThread } from "node:worker_threads";
      import { defineMethod, methodById, registerMethod } from "lora-lego";
      const { merge, ...facts } = methodById("average");
      registerMethod(defineMethod({ ...facts, id: "here_alone", parameters: {}, merge(pool, request) {
        if (!isMainThread) throw new Error("not here");
        return merge(pool, request);
      } }));`;
    expect(await mergeBy(register, "here_alone", "alone", 4)).toBe("");
    expect(await mergeBy("", "average", "average", 4)).toBe("");
    expect(weights("alone")).toEqual(weights("average"));
  });

  it.each([
    ["cannot be imported", "throw new Error('no luck');", /worker thread cannot import .*no luck.*merge on one thread/],
    ["registers nothing", "export {};", /registered no method "lost"; call registerMethod while/],
  ])("is refused in one sentence where its module %s on a worker", async (_, text, message) => {
    const module = join(folder, "lost.mjs");
    writeFileSync(module, text);
    const register = `import { methodById, registerMethod } from "lora-lego";
      registerMethod({ ...methodById("average"), id: "lost" }, { module: "${pathToFileURL(module).href}" });`;
    expect(await mergeBy(register, "lost", "lost", 2)).toMatch(message);
  });

  it("is refused in one sentence on the command line where a parameter has the name of a flag there", async () => {
    const module = join(folder, "clash.mjs");
    writeFileSync(
      module,
      `import { methodById, registerMethod } from "lora-lego";
       const scale = { type: "number", default: 1, description: "clashes" };
       registerMethod({ ...methodById("average"), id: "clash", parameters: { scale } });`,
    );
    const env = { NODE_OPTIONS: `--import ${pathToFileURL(module).href}` };
    const { code, stderr } = await run(["merge", ...adapters, "--method", "clash", "--out", "x"], { cwd: folder, env });
    expect([code, stderr]).toEqual([
      2,
      "error: The method clash has a parameter scale, but --scale is a flag of merge already; rename the parameter.\n",
    ]);
  });

  it("is a method of the command line, with its flags, where node imports its module first", async () => {
    const env = { NODE_OPTIONS: `--import ${METHOD}` };
    const words = ["merge", ...adapters, "--method", "norm_average"];
    const { code } = await run([...words, "--threads", "2", "--out", "cli"], { cwd: folder, env });
    expect(code).toBe(0);
    expect(weights("cli")).toEqual(weights("one"));
    expect((await run([...words, "--help"], { env })).stdout).toMatch(/--strength <n>.*leaves the norms/);
    expect((await run([...words, "--strength", "2", "--out", "x"], { env })).stderr).toMatch(/must be .*at most 1/);
    expect((await run(["methods"], { env })).stdout).toMatch(/norm_average: Average of deltas of equal norm/);
  });
});
