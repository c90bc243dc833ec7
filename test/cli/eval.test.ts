import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tempFolder } from "../support/pico.ts";
import { run } from "./run.ts";

const folder = tempFolder();
const tasks = join(folder, "tasks.jsonl");
writeFileSync(tasks, '{"prompt":"a","choices":["yes","no"],"answer":"no"}\n');
const tabs = join(folder, "dev.tsv");
writeFileSync(tabs, "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n");

describe("lora-lego eval", () => {
  it.concurrent.each([
    ["a .tsv without its task", ["--tasks", tabs], /is tab-separated, but its GLUE task is not known; pass --glue/],
    ["rows that are none", ["--tasks", join(folder, "none.jsonl")], /none\.jsonl/],
    ["an unknown GLUE task", ["--tasks", tabs, "--glue", "squad"], /There is no GLUE task "squad"/],
  ])("refuses %s in one sentence", async (_, args, message) => {
    const { code, stderr, stdout } = await run(["eval", "--base", "base.gguf", ...args]);
    expect(code).toBeGreaterThan(0);
    expect(stdout).toBe("");
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(message);
  });

  it("says how to install llama.cpp where it is not, and what is wrong with it where it does not start", async () => {
    const args = ["eval", "--base", tasks, "--tasks", tasks];
    const without = await run(args, { cwd: folder });
    expect([without.code, without.stderr]).toEqual([
      2,
      expect.stringMatching(/^error: .*node-llama-cpp is not installed; run npm install node-llama-cpp@3/),
    ]);
    const broken = join(folder, "broken");
    mkdirSync(join(broken, "node_modules/node-llama-cpp"), { recursive: true });
    writeFileSync(join(broken, "node_modules/node-llama-cpp/package.json"), '{"main":"index.mjs"}');
    writeFileSync(
      join(broken, "node_modules/node-llama-cpp/index.mjs"),
      'throw new Error("no binary for this machine");',
    );
    const started = await run(args, { cwd: broken });
    expect([started.code, started.stderr]).toEqual([
      2,
      expect.stringMatching(/does not start \(no binary for this machine\)/),
    ]);
  });
});
