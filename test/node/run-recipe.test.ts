import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { OutputError, UsageError } from "../../src/core/errors.ts";
import { localPaths } from "../../src/node/input/adapter-path.ts";
import { mergeToFolder } from "../../src/node/merge-adapters.ts";
import { loadRecipe, planRecipe, type RunOptions, runRecipe } from "../../src/node/run-recipe.ts";
import { parseRecipe } from "../../src/recipe/recipe-file.ts";
import { rejection } from "../support/memory-folder.ts";
import { randomAdapter, readMerged, tempFolder, writeAdapter } from "../support/pico.ts";

const FILES = ["README.md", "adapter_config.json", "adapter_model.safetensors", "recipe.yaml"];
const STEPS = `
steps:
  - name: both
    adapters: [a, { path: b, weight: 0.5 }]
    method: cat
  - name: all
    adapters: [c, { step: both, weight: 2 }]
    rank: 3
    moduleWeights: [{ match: layers.1.**, weights: [1, 1] }]
out: merged
`;

/** A folder of the adapters a, b and c. */
let adapters = "";
/** A fresh folder for each test, with a copy of them. */
let folder = "";

beforeAll(() => {
  adapters = tempFolder();
  for (const [i, name] of ["a", "b", "c"].entries()) {
    writeAdapter(join(adapters, name), randomAdapter(i + 1, { rank: 2 + i }));
  }
});

beforeEach(() => {
  folder = tempFolder();
  cpSync(adapters, folder, { recursive: true });
});

function write(text: string, name = "r.yaml"): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const bytes = (...path: string[]): Buffer => readFileSync(join(folder, ...path, "adapter_model.safetensors"));

async function run(text: string, options: RunOptions = {}) {
  return runRecipe(await loadRecipe(write(text)), { threads: 1, ...options });
}

describe("a recipe", () => {
  it("of one merge gives what the merge gives, its paths relative to the file", async () => {
    const text =
      "adapters: [./a, {path: b, weight: 2}]\nrank: 2\nmethod: lego\noptions: {sign: line}\nout: deep/merged";
    const [outcome] = await run(text);
    const recipe = {
      method: "lego",
      target: { kind: "rank", rank: 2 },
      options: { sign: "line" },
      weights: [1, 2],
    } as const;
    await mergeToFolder([join(folder, "a"), join(folder, "b")], recipe, { out: join(folder, "plain") });
    for (const file of FILES) {
      expect(readFileSync(join(folder, "deep/merged", file))).toEqual(readFileSync(join(folder, "plain", file)));
    }
    expect(outcome!.name).toBeNull();
  });

  it("of steps gives what merges by hand give, and leaves nothing but the output", async () => {
    const before = readdirSync(folder);
    const seen: (string | null)[] = [];
    const outcomes = await run(STEPS, { onStep: async (name) => void seen.push(name) });
    expect(seen).toEqual(["both", "all"]);
    expect(outcomes.map(({ name, report }) => [name, report.totals.rank])).toEqual([
      ["both", 5],
      ["all", 3],
    ]);
    expect(readdirSync(folder).sort()).toEqual([...before, "merged", "r.yaml"].sort());
    expect(readdirSync(join(folder, "merged"))).toEqual(FILES);
    const at = (name: string): string => join(folder, name);
    await mergeToFolder([at("a"), at("b")], { method: "cat", weights: [1, 0.5] }, { out: at("both") });
    const last = { target: { kind: "rank", rank: 3 }, weights: [1, 2] } as const;
    const moduleWeights = [{ match: "layers.1.**", weights: [1, 1] }];
    await mergeToFolder([at("c"), at("both")], { ...last, moduleWeights }, { out: at("hand") });
    expect(bytes("merged")).toEqual(bytes("hand"));
  });

  it("writes its report where it says, inside the output or beside it", async () => {
    await run(`${STEPS}report: merged/report.json`);
    const report = JSON.parse(readFileSync(join(folder, "merged/report.json"), "utf8"));
    expect(report.inputs.map(({ name }: { name: string }) => name)).toEqual(["c", "both"]);
    await run(`${STEPS}report: reports/r.json`, { force: true });
    expect(readdirSync(join(folder, "reports"))).toEqual(["r.json"]);
    await expect(run(`${STEPS}report: a/r.json`, { force: true })).rejects.toThrow(/is the input .*or inside it/);
  });

  it("can be planned from headers alone, step by step", async () => {
    const recipe = await loadRecipe(write(STEPS));
    const planned = await planRecipe(recipe);
    const done = await runRecipe(recipe);
    expect(planned.map(({ name, plan }) => [name, plan.rank, plan.size, plan.config])).toEqual(
      done.map(({ name, plan }) => [name, plan.rank, plan.size, plan.config]),
    );
    expect(readdirSync(folder)).toContain("merged");
  });
});

describe("the recipe in an output", () => {
  it("gives the same weights again, run where the adapters lie", async () => {
    const recipe = {
      method: "svd",
      weights: [1, -0.25, 0],
      scale: 1.5,
      dtype: "bf16",
      exclude: ["layers.1.q_proj"],
      moduleWeights: [{ match: "q_proj", weights: [2, 1, 0] }],
    } as const;
    const paths = ["a", "b", "c"].map((name) => join(folder, name));
    await mergeToFolder(paths, recipe, { out: join(folder, "merged") });
    const again = await loadRecipe(join(folder, "merged/recipe.yaml"), folder);
    await runRecipe(again, { out: join(folder, "again") });
    for (const file of FILES) {
      expect(readFileSync(join(folder, "again", file))).toEqual(readFileSync(join(folder, "merged", file)));
    }
    // The same from a copy beside the adapters.
    cpSync(join(folder, "merged/recipe.yaml"), join(folder, "copy.yaml"));
    await runRecipe(await loadRecipe(join(folder, "copy.yaml")), { out: join(folder, "third") });
    expect(bytes("third")).toEqual(bytes("merged"));
  });

  it("tells all steps of a recipe of several, and gives the same again", async () => {
    await run(STEPS);
    await runRecipe(await loadRecipe(join(folder, "merged/recipe.yaml"), folder), { out: join(folder, "again") });
    for (const file of FILES) {
      expect(readFileSync(join(folder, "again", file))).toEqual(readFileSync(join(folder, "merged", file)));
    }
  });

  it("fills in every default, and names no place of this machine and no time", async () => {
    await run("adapters: [a, b]\nmethod: lego\nout: merged");
    const text = readFileSync(join(folder, "merged/recipe.yaml"), "utf8");
    expect(text).not.toContain(folder);
    expect(text).not.toMatch(/\d{4}-\d\d-\d\d|\d\d:\d\d/);
    const { steps } = await parseRecipe(text, "recipe.yaml");
    expect(steps[0]).toMatchObject({
      adapters: [{ path: "a" }, { path: "b" }],
      recipe: { method: "lego", options: { gauge: "raw", seed: 0 }, target: { kind: "rank", rank: 2 }, dtype: "f32" },
    });
    const card = readFileSync(join(folder, "merged/README.md"), "utf8");
    expect(card).toContain(`\`\`\`yaml\n${text.replace(/^#.*\n/gm, "")}\`\`\``);
  });
});

describe("local paths of adapters", () => {
  it("are the folders' names, with parents where names are alike", () => {
    expect(localPaths(["/x/a", "/y/b"])).toEqual(["a", "b"]);
    expect(localPaths(["/x/a", "/y/a", "/x/c"])).toEqual(["x/a", "y/a", "c"]);
    expect(localPaths(["/p/x/a", "/q/x/a"])).toEqual(["p/x/a", "q/x/a"]);
    expect(localPaths(["/x/a", "/x/a/"])).toEqual(["a", "a"]);
  });
});

describe("a recipe that fails", () => {
  const untouched = () => expect(readdirSync(folder).sort()).toEqual(["a", "b", "c", "r.yaml"]);

  it.each([
    ["in its last step", STEPS.replace("rank: 3", "rank: 3\n    include: [v_proj]"), /"v_proj" matches no module/],
    ["in its first step", STEPS.replace("method: cat", "weights: 1"), /"weights" is unknown here; the keys are/],
    ["for an adapter that is not there", STEPS.replace("[c,", "[d,"), /r\.yaml:7:16: there is no file or folder d in /],
    ["for want of an output", STEPS.replace("out: merged", ""), /does not say where to write; add out: DIR/],
    [
      "for an output in an input",
      STEPS.replace("out: merged", "out: a/x"),
      /is the input .*, contains it or is inside it/,
    ],
  ])("leaves nothing behind: %s", async (_, text, said) => {
    expect((await rejection(run(text))).message).toMatch(said);
    untouched();
  });

  it("leaves nothing behind when a value turns out wrong after a step is done", async () => {
    const broken = join(folder, "c");
    writeAdapter(broken, {
      modules: { "layers.0.q_proj": { A: [[1, 1, 1, 1, 1, Number.NaN]], B: [[1], [1], [1], [1], [1]] } },
    });
    const text = STEPS.replace("moduleWeights: [{ match: layers.1.**, weights: [1, 1] }]", "allowPartial: true");
    expect((await rejection(run(text))).message).toMatch(/NaN/);
    untouched();
  });

  it("leaves nothing behind when it is interrupted between steps", async () => {
    const control = new AbortController();
    const seen: string[] = [];
    const work = run(STEPS, {
      signal: control.signal,
      async onStep(name) {
        if (name !== "all") return;
        const [temporary] = readdirSync(folder).filter((entry) => entry.includes(".tmp-"));
        seen.push(...readdirSync(join(folder, temporary!, "steps")));
        control.abort();
      },
    });
    await expect(work).rejects.toThrow(/abort/i);
    expect(seen).toEqual(["both"]);
    untouched();
  });

  it("keeps an output that exists, before it runs a step", async () => {
    mkdirSync(join(folder, "merged"));
    writeFileSync(join(folder, "merged/thesis.txt"), "mine");
    const steps: unknown[] = [];
    const error = await rejection(run(STEPS, { onStep: async (name) => void steps.push(name) }));
    expect(error).toBeInstanceOf(OutputError);
    expect([steps, readdirSync(join(folder, "merged"))]).toEqual([[], ["thesis.txt"]]);
  });

  it("is told when there is no file", async () => {
    const error = await rejection(loadRecipe(join(dirname(folder), "none.yaml")));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(/^There is no recipe file .*none\.yaml/);
  });

  it("replaces an output of its own with force", async () => {
    await run(STEPS);
    await expect(run(STEPS)).rejects.toThrow(/exists; pass --force/);
    await run(STEPS.replace("rank: 3", "rank: 2"), { force: true });
    expect(readMerged(join(folder, "merged")).config.r).toBe(2);
  });
});

describe("an adapter of weight 0 that some modules weigh otherwise", () => {
  const TEXT = `
adapters: [{ path: a, weight: 0 }, { path: b, weight: 0 }]
method: cat
moduleWeights: [{ match: layers.1.**, weights: [1, 1] }]
`;

  it("goes into the result", async () => {
    const [done] = await run(TEXT, { out: join(folder, "out") });
    expect(done!.plan.modules.map(({ parts }) => parts.length)).toEqual(done!.plan.modules.map(() => 2));
    expect(readdirSync(join(folder, "out")).sort()).toEqual(FILES);
  });
});

describe("a step that is not the last", () => {
  const TEXT = STEPS.replace("method: cat", "method: cat\n    for: llamacpp");

  it("is refused where its program loads no PEFT adapters, before anything is done", async () => {
    const refused =
      /:\d+:\d+: llama\.cpp loads gguf files, but the step both makes a PEFT adapter for later steps; leave for out/;
    await expect(loadRecipe(write(TEXT))).rejects.toThrow(refused);
    await expect(run(TEXT)).rejects.toThrow(refused);
    expect(readdirSync(folder)).not.toContain("merged");
  });
});
