import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TaskRow } from "../../src/evaluate/task-rows.ts";
import { loadModel } from "../../src/node/evaluate/llama.ts";
import { scoreRows } from "../../src/node/evaluate/score-rows.ts";
import { evaluate, runBenchFile, tuneMerge } from "../../src/node/evaluate.ts";
import { loadRecipe, runRecipe } from "../../src/node/index.ts";
import { mergeChecked } from "../../src/node/merge-adapters.ts";
import { fakeLlama, logProbability } from "../support/fake-llama.ts";
import { tempFolder, writeAdapter } from "../support/pico.ts";
import { writePicoModel } from "../support/pico-model.ts";

const rowsOf = (task: string, count: number): TaskRow[] =>
  Array.from({ length: count }, (_, i) => ({
    task,
    prompt: `${task} ${i} ?`,
    choices: ["no", "yes", "maybe"],
    answer: i % 3,
  }));
const score = ({ prompt }: TaskRow, choice: string, adapters = 0): number =>
  logProbability(prompt, ` ${choice}`, adapters);

describe("scoring rows", () => {
  it("gives every choice the sum of its tokens' log-probabilities, however many rows are computed at once", async () => {
    const rows = rowsOf("weather", 40);
    const contexts: number[] = [];
    const { model } = await loadModel(
      fakeLlama(({ sequences }) => contexts.push(sequences)),
      "base.gguf",
      1,
    );
    for (const some of [rows, rows.slice(0, 1)]) {
      const scores = await scoreRows(model, [], some, 1);
      for (const [i, row] of some.entries()) {
        for (const [j, choice] of row.choices.entries()) {
          expect(scores[i]![j]!.logProbability).toBeCloseTo(score(row, choice), 9);
        }
      }
    }
    expect(contexts).toEqual([32, 1]);
  });

  it("gives each thread a context of its own, with its share of the rows", async () => {
    const rows = rowsOf("weather", 40);
    const contexts: object[] = [];
    const { model } = await loadModel(
      fakeLlama(({ sequences, threads }) => contexts.push({ sequences, threads })),
      "base.gguf",
      3,
    );
    const alone = await scoreRows(model, [], rows, 1);
    expect(await scoreRows(model, [], rows, 3)).toEqual(alone);
    await scoreRows(model, [], rows.slice(0, 2), 3);
    const [one, ...shared] = contexts;
    expect(one).toEqual({ sequences: 32, threads: 1 });
    expect(shared).toEqual([
      ...Array.from({ length: 3 }, () => ({ sequences: 10, threads: 1 })),
      ...Array.from({ length: 2 }, () => ({ sequences: 1, threads: 1 })),
    ]);
  });

  it("refuses a row that is longer than the model's context", async () => {
    const { model } = await loadModel(fakeLlama(), "base.gguf", 1);
    const row = { task: "long", prompt: "a".repeat(70), choices: ["no", "yes"], answer: 0 };
    await expect(scoreRows(model, [], [row], 1)).rejects.toThrow(/A row of long has 75 tokens, but .* 64 .*shorten it/);
  });
});

const folder = tempFolder();
const { base, layer, key } = writePicoModel(folder);
for (const [name, b] of [
  ["one", 1],
  ["two", 2],
] as const) {
  writeAdapter(join(folder, name), { modules: { [layer]: { A: [[1, 1]], B: [[b]] } } });
}

describe("evaluate", () => {
  it("scores the base, then each adapter alone", async () => {
    const rows = rowsOf("weather", 9);
    const found = await evaluate({ base, adapters: [join(folder, "one")], rows, threads: 1, llama: fakeLlama() });
    const right = (adapters: number): number =>
      rows.filter((row) => {
        const scores = row.choices.map((choice) => score(row, choice, adapters));
        return scores.indexOf(Math.max(...scores)) === row.answer;
      }).length / rows.length;
    expect(found.map(({ adapter, average }) => [adapter, average])).toEqual([
      [null, right(0)],
      [join(folder, "one"), right(1)],
    ]);
  });
});

describe("a benchmark file", () => {
  it("runs, and scores nothing twice", async () => {
    const write = (file: string, rows: readonly TaskRow[]): void =>
      writeFileSync(join(folder, file), rows.map((row) => JSON.stringify(row)).join("\n"));
    write("dev.jsonl", rowsOf("one", 6));
    write("test.jsonl", [...rowsOf("one", 9), ...rowsOf("two", 9)]);
    const file = join(folder, "bench.yaml");
    const cache = join(folder, "kept");
    writeFileSync(
      file,
      "base: base\ntasks: { dev: dev.jsonl, test: test.jsonl }\nadapters: [{ path: one, task: one }, { path: two, task: two }]\nmerges: [{ method: cat }, { method: average }]\nscales: [0.5]\n",
    );
    mkdirSync(cache);
    const scales: number[] = [];
    const llama = fakeLlama(({ lora }) => scales.push(lora?.adapters[0]?.scale ?? 0));
    const first = await runBenchFile(file, { cache, threads: 1, llama });
    expect(first.merges.map(({ name }) => name)).toEqual(["cat", "average"]);
    // Two tasks by base, two adapters and two merges; one dev task by two merges at two factors; and the test rows again at the one chosen.
    const again = first.merges.filter(({ searched }) => searched!.scale !== 1).length;
    expect(scales).toHaveLength(2 * 5 + 4 + 2 * again);
    expect(readdirSync(cache)).toHaveLength(scales.length);
    scales.length = 0;
    expect(await runBenchFile(file, { cache, threads: 1, llama })).toEqual(first);
    expect(scales).toEqual([]);
  });
});

describe("tuneMerge", () => {
  const paths = ["one", "two"].map((name) => join(folder, name));
  const rows = [...rowsOf("weather", 9), ...rowsOf("news", 9)];

  it("writes the merge that it found with a recipe that makes it again, and scores nothing twice", async () => {
    const contexts: number[] = [];
    const llama = fakeLlama(({ sequences }) => contexts.push(sequences));
    const out = join(folder, "tuned");
    const tuned = await tuneMerge(paths, { base, rows, out, budget: 14, threads: 1, llama });
    expect(tuned.trials).toBe(14);
    expect(tuned.unseen!.gain.low).toBeLessThanOrEqual(tuned.unseen!.gain.difference);
    const again = join(folder, "again");
    const recipe = await loadRecipe(join(out, "recipe.yaml"), folder);
    await runRecipe(recipe, { out: again });
    const weights = (of: string) => readFileSync(join(of, "adapter_model.safetensors"));
    expect(weights(again).equals(weights(out))).toBe(true);
    const scored = contexts.length;
    const resumed = await tuneMerge(paths, { base, rows, out, force: true, budget: 14, threads: 1, llama });
    const { tuned: same, front, unseen } = tuned;
    expect(resumed).toMatchObject({ tuned: same, front, unseen });
    expect(contexts).toHaveLength(scored);
  });

  it.each([
    ["a single adapter", paths.slice(0, 1), {}, "A single adapter has nothing to tune"],
    ["no rows", paths, { rows: [] }, "There are no rows to search on"],
    [
      "a task without rows",
      paths,
      { prefer: { sports: 2 } },
      "There are no rows of the task sports to prefer (the tasks are weather, news)",
    ],
    [
      "a task that counts nothing",
      paths,
      { prefer: { news: 0 } },
      "must be an object with a number above 0 for each name",
    ],
  ])("refuses %s, and writes nothing", async (_, adapters, more, message) => {
    const out = join(folder, "refused");
    const work = tuneMerge(adapters, { base, rows, out, budget: 2, threads: 1, llama: fakeLlama(), ...more });
    await expect(work).rejects.toThrow(message);
    expect([existsSync(out), existsSync(`${out}.cache`)]).toEqual([false, false]);
  });

  it("leaves no empty folder of scores where the model does not load", async () => {
    const out = join(folder, "unloaded");
    const llama = fakeLlama();
    const broken = { getLlama: () => Promise.reject(new Error("no llama")) } as unknown as typeof llama;
    await expect(tuneMerge(paths, { base, rows, out, budget: 2, threads: 1, llama: broken })).rejects.toThrow(
      "no llama",
    );
    expect([existsSync(out), existsSync(`${out}.cache`)]).toEqual([false, false]);
  });

  it("takes adapters without a module in common, where that is allowed, and says so in the recipe", async () => {
    const other = writeAdapter(join(folder, "other"), { modules: { [key]: { A: [[1, 1]], B: [[3], [1]] } } });
    const both = [paths[0]!, other];
    const options = { base, rows, budget: 2, threads: 1, llama: fakeLlama() };
    await expect(tuneMerge(both, { ...options, out: join(folder, "partial") })).rejects.toThrow(/--allow-partial/);
    const out = join(folder, "partial");
    const { tuned } = await tuneMerge(both, { ...options, out, allowPartial: true });
    expect(tuned.recipe.allowPartial).toBe(true);
    expect(readFileSync(join(out, "recipe.yaml"), "utf8")).toMatch(/^allowPartial: true$/m);
  });

  it("writes a GGUF file by the base's own config", async () => {
    const out = join(folder, "tuned.gguf");
    const { merged } = await tuneMerge(paths, { base, rows, out, budget: 2, threads: 1, llama: fakeLlama() });
    expect([merged.format, existsSync(out)]).toEqual(["gguf", true]);
  });

  it("hashes the inputs for the report of the merge that it writes alone", async () => {
    const out = join(folder, "hashed");
    const { merged } = await tuneMerge(paths, { base, rows, out, budget: 2, threads: 1, llama: fakeLlama() });
    expect(merged.report.inputs.map(({ sha256 }) => sha256?.length)).toEqual([64, 64]);
    const file = join(folder, "candidate.gguf");
    const options = { out: file, baseConfig: join(base, "config.json") };
    const { report } = await mergeChecked(paths, { method: "average" }, options, { hashes: false });
    expect(report.inputs.map(({ sha256 }) => sha256)).toEqual([null, null]);
  });
});
