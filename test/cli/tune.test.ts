import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { untunedInstead } from "../../src/cli/untuned-instead.ts";
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
    [["a", "notes.md"], 2, "error: Of these 2 paths only a is an adapter: notes.md is no adapter by its name."],
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

  it.each([
    [
      "{bad",
      'rows.jsonl:1:2: this line is not a row as JSON: expected a key in double quotes, but found "b"; write each row',
    ],
    [
      '{\n "prompt": "p"}',
      'the text ends; write each row as an object {"prompt", "choices", "answer"} on a line of its own.',
    ],
  ])("says in words what is wrong with the row %j", async (text, message) => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, "rows.jsonl"), text);
    const { code, stderr } = await run(["tune", "a", "b", "--base", "b", "--tasks", "rows.jsonl", "--out", "t"], {
      cwd,
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  it("advises a flag that it has, and says of --force what that does", async () => {
    writeAdapter(join(folder, "apart"), randomAdapter(2, { modules: { "layers.0.other": { in: 4, out: 4 } } }));
    const { stderr } = await tune("a", "apart");
    expect(stderr).toMatch(/: to put both into one adapter side by side, pass --allow-partial\.\n$/);
    expect((await tune("a", "apart", "--allow-partial")).stderr).not.toContain("--allow-partial");
    const help = (await run(["tune", "--help"])).stdout.replaceAll(/\s+/g, " ");
    expect(help).toContain("--force replace a folder that lora-lego wrote, or a file");
    expect(help).toContain("--allow-partial");
  });
});

describe("the end of a search", () => {
  const trial = { recipe: { method: "auto", allowPartial: true }, tasks: {}, mean: 0, worst: 0, loss: 0 };
  const tuned = { ...trial, recipe: { ...trial.recipe, scale: 0.5 } };
  const judged = (difference: number, low: number, high: number) => ({
    recommended: trial,
    tuned,
    trials: 20,
    unseen: { recommended: trial, tuned, gain: { difference, low, high } },
  });

  it.each([
    ["better", judged(-0.1, -0.2, -0.05)],
    ["as good, as far as they tell,", judged(0.1, -0.05, 0.2)],
    ["as good, as far as they tell,", judged(0, 0, 0)],
  ])("names the recommended merge where it is %s on unseen rows, by a command", (words, found) => {
    expect(untunedInstead(["a", "my b"], join(folder, "t.gguf"), found)).toEqual([
      {
        why: `The recommended merge is ${words} on rows that the search did not see.`,
        how: `lora-lego merge a 'my b' --method auto --allow-partial --base-config BASE/config.json --out ${join(folder, "t-2.gguf")}`,
      },
    ]);
  });

  it("says that a larger budget tries more where the search found the recommended merge itself", () => {
    const found = { ...judged(0, 0, 0), tuned: trial, trials: 1 };
    expect(untunedInstead(["a", "b"], "tuned", found)).toEqual([
      {
        why: expect.stringMatching(/^This is the recommended merge itself: 1 merge scored, .* larger --budget/),
        how: null,
      },
    ]);
  });

  it("names nothing where tuning gained, or where there are no such rows", () => {
    expect(untunedInstead(["a", "b"], "tuned", judged(0.1, 0.05, 0.2))).toEqual([]);
    expect(untunedInstead(["a", "b"], "tuned", { ...judged(0, 0, 0), unseen: null })).toEqual([]);
  });
});
