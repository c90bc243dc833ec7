import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { run } from "./run.ts";

let folder = "";

beforeAll(() => {
  folder = tempFolder();
  for (const [t, name] of ["a", "b"].entries()) writeAdapter(join(folder, name), randomAdapter(t));
  writeFileSync(join(folder, "notes.md"), "notes");
  writeFileSync(join(folder, "rows.jsonl"), '{"prompt":"p","choices":["yes","no"],"answer":"yes"}\n');
});

const tune = (...words: string[]) =>
  run(["tune", ...words, "--base", "base.gguf", "--tasks", "rows.jsonl", "--out", "tuned"], { cwd: folder });

describe.concurrent("lora-lego tune", () => {
  it.each([
    [["a"], 2, "error: A single adapter has nothing to tune; pass two or more, or use resize to change its rank.\n"],
    [["a", "notes.md"], 2, "notes.md is no adapter by its name, and is left out.\nerror: A single adapter has nothing"],
    [
      ["a", "b", "--prefer", "sports=2"],
      2,
      "error: There are no rows of the task sports to prefer (the tasks are rows)",
    ],
    [["a", "b", "--prefer", "rows=0"], 2, "Expected tasks and numbers above 0, such as math=2,med=0.5."],
    [["a", "b", "--seed", "-1"], 2, "Not a whole number from 0."],
    [["a", "missing"], 2, "error: There is no file or folder missing"],
  ] as const)("refuses %j before anything runs", async (words, status, message) => {
    const { code, stderr } = await tune(...words);
    expect(stderr).toContain(message);
    expect(code).toBe(status);
    expect([existsSync(join(folder, "tuned")), existsSync(join(folder, "tuned.cache"))]).toEqual([false, false]);
  });
});
