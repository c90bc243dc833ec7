import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { tempFolder } from "../support/pico.ts";
import { run } from "./run.ts";

/** Commands that need the network, llama.cpp, Redis or a browser; other tests run them. */
const ELSEWHERE = /^(?:merge (?:hf|https):|eval |bench |tune |ui |setup |worker )/;
const MINIBENCH = "examples/minibench/llama";
const { writeImageAdapter }: { writeImageAdapter(path: string, seed: number): void } = await import(
  resolve("tools/start/image-adapter.mjs")
);

/** The commands of the block that is about math, med and finance, without their comments. */
function commandsOf(page: string): string[] {
  const blocks = Array.from(readFileSync(page, "utf8").matchAll(/^```\n(.*?)^```$/gms), ([, block]) => block!);
  const lines = blocks.find((block) => block.includes("math/"))!.split("\n");
  return lines.flatMap((line) => /^lora-lego (.*?)\s+#/.exec(line)?.[1] ?? []);
}

/** The files that the commands name. */
async function folderOf(): Promise<string> {
  const folder = tempFolder();
  for (const [name, task] of Object.entries({ math: "cola", med: "rte", finance: "sst2" })) {
    cpSync(join(MINIBENCH, "all", task), join(folder, name), { recursive: true });
  }
  cpSync(join(MINIBENCH, "base"), join(folder, "llama"), { recursive: true });
  for (const [seed, name] of ["style", "face"].entries()) writeImageAdapter(join(folder, `${name}.safetensors`), seed);
  writeFileSync(join(folder, "recipe.yaml"), "adapters: [math, med]\nrank: 4\n");
  await run(["fuse", "med", "--base", "llama", "--out", "llama-chat"], { cwd: folder });
  return folder;
}

describe.each(["README.md", "docs/commands.md"])("the commands of %s", (page) => {
  const commands = commandsOf(page);
  const folder = folderOf();

  it("are read", () => {
    expect(commands.length).toBeGreaterThan(8);
  });

  it.each(commands.filter((command) => !ELSEWHERE.test(command)))(
    "work in order, and none is in the way of another: %s",
    async (command) => {
      const words = Array.from(command.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, word]) => quoted ?? word!);
      const { code, stderr } = await run(words, { cwd: await folder });
      expect(stderr).not.toMatch(/^error/m);
      expect(code).toBe(0);
      const out = words[words.indexOf("--out") + 1];
      if (words.includes("--out")) expect(existsSync(join(await folder, out!))).toBe(true);
    },
  );
});
