import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
// The package by its own name is the built one: worker threads load files of dist/.
import { mergeToFolder as mergeBuilt } from "lora-lego/node";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.ts";
import { type MergeOptions, mergeToFolder } from "../../src/node/merge-adapters.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import {
  type PicoAdapter,
  randomAdapter,
  readMerged,
  relativeError,
  tempFolder,
  writeAdapter,
} from "../support/pico.ts";

const FILES = ["README.md", "adapter_config.json", "adapter_model.safetensors", "recipe.yaml"];
/** Enough modules for every thread, and enough units for clusters of several. */
const MODULES = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`layers.${i}.q_proj`, { in: 12, out: 9 + i }]));

let inputs: string[] = [];
/** An input whose last module holds a NaN. */
let broken = "";
/** Where a test writes, fresh for each. */
let out = "";

beforeAll(() => {
  const root = tempFolder();
  inputs = ["math", "med", "finance"].map((name, t) =>
    writeAdapter(join(root, name), randomAdapter(t + 1, { modules: MODULES, rank: 4 + t })),
  );
  const bad = randomAdapter(9, { modules: MODULES, rank: 4 });
  broken = writeAdapter(join(root, "broken"), withNaN(bad, "layers.5.q_proj"));
});

beforeEach(() => {
  out = join(tempFolder(), "merged");
});

function withNaN(adapter: PicoAdapter, name: string): PicoAdapter {
  const module = adapter.modules[name]!;
  const A = (module.A as number[][]).map((row, i) => (i === 0 ? row.map(() => Number.NaN) : row));
  return { ...adapter, modules: { ...adapter.modules, [name]: { ...module, A } } };
}

function merge(recipe: Recipe = {}, options: Partial<MergeOptions> = {}, paths: readonly string[] = inputs) {
  return mergeToFolder(paths, recipe, { out, threads: 1, ...options });
}

/** Every file of a folder with its hash. */
function state(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((file) => [file, sha256(join(folder, file))]));
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

describe("mergeToFolder", () => {
  it("writes an adapter and its card, and nothing else", async () => {
    const { report } = await merge({ method: "cat" });
    expect(readdirSync(out)).toEqual(FILES);
    expect(readdirSync(dirname(out))).toEqual(["merged"]);
    const [merged, ...parts] = [out, ...inputs].map(readMerged);
    expect([...merged!.modules.keys()].sort()).toEqual(Object.keys(MODULES).sort());
    for (const [name, { delta }] of merged!.modules) {
      const sum = delta.map((_, i) => parts.reduce((total, part) => total + part.modules.get(name)!.delta[i]!, 0));
      expect(relativeError(delta, sum)).toBeLessThan(1e-6);
    }
    expect(report.inputs.map(({ name }) => name)).toEqual(["math", "med", "finance"]);
  });

  it("reports the inputs' hashes as every tool computes them, and the card shows them", async () => {
    const { report } = await merge();
    const card = readFileSync(join(out, "README.md"), "utf8");
    for (const [t, folder] of inputs.entries()) {
      const hash = sha256(join(folder, "adapter_model.safetensors"));
      expect(report.inputs[t]!.sha256).toBe(hash);
      expect(card).toContain(`| ${basename(folder)} | 1 |`);
      expect(card).toContain(`\`${hash}\``);
    }
  });

  it("writes a card without paths, times or the output's name", async () => {
    await merge();
    const card = readFileSync(join(out, "README.md"), "utf8");
    expect(card).toContain('base_model: "pico"');
    for (const folder of [out, ...inputs]) expect(card).not.toContain(dirname(folder));
    expect(card).not.toContain("merged/");
    expect(card).not.toMatch(/\d{4}-\d\d-\d\d|\d\d:\d\d/);
  });

  it("writes the same bytes into every file when it is run again, wherever to", async () => {
    await merge({ target: { kind: "rank", rank: 5 } });
    const first = state(out);
    await merge({ target: { kind: "rank", rank: 5 } }, { force: true });
    expect(state(out)).toEqual(first);
    const elsewhere = join(tempFolder(), "other-name");
    await merge({ target: { kind: "rank", rank: 5 } }, { out: elsewhere });
    expect(state(elsewhere)).toEqual(first);
  });

  it.each<Recipe>([
    { target: { kind: "rank", rank: 5 } },
    { method: "lego", target: { kind: "rank", rank: 5 } },
    { method: "lego", options: { gauge: "balanced" } },
    { method: "average" },
  ])("writes the same adapter for every order of the inputs (%j)", async (recipe) => {
    await merge(recipe);
    const { "README.md": _, "recipe.yaml": __, ...first } = state(out);
    const [a, b, c] = inputs as [string, string, string];
    for (const order of [
      [b, c, a],
      [c, b, a],
    ]) {
      await merge(recipe, { force: true }, order);
      expect(state(out)).toMatchObject(first);
    }
  });

  it("closes every file that it opened, whether it succeeds or fails", async (test) => {
    if (process.platform !== "linux") return test.skip("open files are listed by /proc");
    const before = openFiles();
    await merge();
    await expect(merge({}, { force: true }, [...inputs, broken])).rejects.toThrow();
    expect(openFiles()).toEqual(before);
  });

  describe("that fails or is cancelled", () => {
    it("leaves nothing of a merge of an adapter with a NaN, and names adapter and tensor", async () => {
      await expect(merge({}, {}, [...inputs, broken])).rejects.toThrow(FormatError);
      await expect(merge({}, { report: join(dirname(out), "r.json") }, [...inputs, broken])).rejects.toThrow(
        /^broken: the tensor base_model\.model\.layers\.5\.q_proj\.lora_A\.weight holds NaN or infinite values/,
      );
      expect(readdirSync(dirname(out))).toEqual([]);
    });

    it("keeps the old output when the new merge fails", async () => {
      await merge();
      const before = state(out);
      await expect(merge({}, { force: true }, [...inputs, broken])).rejects.toThrow("NaN");
      expect(state(out)).toEqual(before);
      expect(readdirSync(dirname(out))).toEqual(["merged"]);
    });

    it("leaves nothing when it is cancelled before it begins", async () => {
      await expect(merge({}, { signal: AbortSignal.abort() })).rejects.toThrow(
        expect.objectContaining({ name: "AbortError" }),
      );
      expect(readdirSync(dirname(out))).toEqual([]);
    });

    it.each(["after the first job", "after the last job"])("leaves nothing when it is cancelled %s", async (when) => {
      const stop = new AbortController();
      const onProgress: MergeOptions["onProgress"] = ({ done, total }) => {
        expect(existsSync(`${out}.tmp-${process.pid}`)).toBe(true);
        if (done === (when === "after the first job" ? 1 : total)) stop.abort();
      };
      await expect(merge({}, { signal: stop.signal, onProgress })).rejects.toThrow(
        expect.objectContaining({ name: "AbortError" }),
      );
      expect(readdirSync(dirname(out))).toEqual([]);
    });

    it("keeps the old output when the new merge is cancelled", async () => {
      await merge();
      const before = state(out);
      const stop = new AbortController();
      const options = { force: true, signal: stop.signal, onProgress: () => stop.abort() };
      await expect(merge({ method: "cat" }, options)).rejects.toThrow();
      expect(state(out)).toEqual(before);
      expect(readdirSync(dirname(out))).toEqual(["merged"]);
    });

    it("refuses to replace a folder into which something was put while it merged", async () => {
      await merge();
      const onProgress = () => writeFileSync(join(out, "thesis.txt"), "mine");
      await expect(merge({}, { force: true, onProgress })).rejects.toThrow(/contains thesis\.txt/);
      expect(readFileSync(join(out, "thesis.txt"), "utf8")).toBe("mine");
      expect(readdirSync(dirname(out))).toEqual(["merged"]);
    });

    it("does not touch an input whose weights are a link into the output", async () => {
      await merge();
      const before = state(out);
      const linking = join(tempFolder(), "linking");
      mkdirSync(linking);
      cpSync(join(out, "adapter_config.json"), join(linking, "adapter_config.json"));
      symlinkSync(join(out, "adapter_model.safetensors"), join(linking, "adapter_model.safetensors"));
      await expect(merge({}, { force: true }, [linking])).rejects.toThrow(
        /is the input .*, contains it or is inside it/,
      );
      expect(state(out)).toEqual(before);
    });
  });

  describe("asked for a report", () => {
    it("writes it elsewhere, as it returns it, into folders that it makes", async () => {
      const report = join(dirname(out), "reports", "merge.json");
      const outcome = await merge({}, { report });
      expect(JSON.parse(readFileSync(report, "utf8"))).toEqual(outcome.report);
      expect(readdirSync(dirname(report))).toEqual(["merge.json"]);
      expect(readdirSync(out)).toEqual(FILES);
    });

    it("writes it into the output folder, which can be replaced all the same", async () => {
      const options = { report: join(out, "report.json") };
      const outcome = await merge({}, options);
      expect(readdirSync(out).sort()).toEqual([...FILES, "report.json"].sort());
      expect(JSON.parse(readFileSync(options.report, "utf8"))).toEqual(outcome.report);
      await merge({}, { force: true });
      expect(readdirSync(out)).toEqual(FILES);
    });

    it("writes it into the output folder when both are named through a link", async () => {
      const link = join(dirname(out), "link");
      const real = tempFolder();
      symlinkSync(real, link);
      await merge({}, { out: join(link, "merged"), report: join(link, "merged", "report.json") });
      expect(readdirSync(join(real, "merged"))).toContain("report.json");
    });

    const places: [string, (input: string) => string, RegExp][] = [
      ["in the place of the weights", () => join(out, "adapter_model.safetensors"), /has the name of another file/],
      ["in the place of the card", () => join(out, "README.md"), /has the name of another file of the output/],
      ["in the place of the tokenizer", () => join(out, "tokenizer.json"), /has the name of another file/],
      ["in a folder of the output", () => join(out, "deep", "report.json"), /is in a subfolder of the output/],
      ["as the output", () => out, /is a folder|in a subfolder/],
      ["as a folder above the output", () => dirname(out), /is a folder/],
      ["over an input's config", (input) => join(input, "adapter_config.json"), /is the input .*or inside it/],
      ["into an input", (input) => join(input, "report.json"), /is the input .*or inside it/],
    ];

    it.each(places)("refuses to write it %s", async (_, place, expected) => {
      const before = state(inputs[1]!);
      await expect(merge({}, { report: place(inputs[1]!) })).rejects.toThrow(expected);
      expect(readdirSync(dirname(out))).toEqual([]);
      expect(state(inputs[1]!)).toEqual(before);
    });
  });

  describe("with tokenizers beside the inputs", () => {
    /** Two adapters of one seed each, with these files beside them. */
    function withFiles(...files: Record<string, string>[]): string[] {
      const root = tempFolder();
      return files.map((beside, t) => {
        const folder = writeAdapter(join(root, `a${t}`), randomAdapter(t));
        for (const [name, text] of Object.entries(beside)) writeFileSync(join(folder, name), text);
        return folder;
      });
    }

    it("copies those that all inputs have alike, and lists them as carried", async () => {
      const beside = { "tokenizer.json": "{}", "chat_template.jinja": "hello", "notes.txt": "mine" };
      const { report } = await merge({}, {}, withFiles(beside, beside));
      expect(readdirSync(out).sort()).toEqual([...FILES, "chat_template.jinja", "tokenizer.json"].sort());
      expect(readFileSync(join(out, "chat_template.jinja"), "utf8")).toBe("hello");
      expect(report.carried).toEqual(["tokenizer.json", "chat_template.jinja"]);
      expect(report.warnings).toEqual([]);
      await merge({}, { force: true }, withFiles({}, {}));
      expect(readdirSync(out)).toEqual(FILES);
    });

    it("warns of those that differ and copies none of them", async () => {
      const paths = withFiles(
        { "tokenizer.json": "{}", "vocab.txt": "a" },
        { "tokenizer.json": "[]", "vocab.txt": "a" },
      );
      const { report } = await merge({}, {}, paths);
      expect(readdirSync(out).sort()).toEqual([...FILES, "vocab.txt"].sort());
      expect(report.warnings).toEqual([
        {
          id: "tokenizer-differs",
          text: "The adapters have different tokenizer.json; none is copied, so take the base model's.",
        },
      ]);
    });

    it("copies nothing that an input lacks, without a warning", async () => {
      const { report } = await merge({}, {}, withFiles({ "tokenizer.json": "{}" }, {}));
      expect(readdirSync(out)).toEqual(FILES);
      expect(report.warnings).toEqual([]);
    });

    it("does not ask an input that is left out", async () => {
      const paths = withFiles({ "tokenizer.json": "{}" }, { "tokenizer.json": "[]" });
      const { report } = await merge({ weights: [1, 0] }, {}, paths);
      expect(readFileSync(join(out, "tokenizer.json"), "utf8")).toBe("{}");
      expect(report.warnings.map(({ id }) => id)).toEqual(["left-out"]);
    });
  });
});

describe("mergeToFolder of the built package", () => {
  const recipe: Recipe = { method: "lego", target: { kind: "rank", rank: 5 } };

  it("writes the same bytes into every file for 1, 2 and 4 threads", async () => {
    for (const asked of [recipe, {}]) {
      const states: Record<string, string>[] = [];
      for (const threads of [1, 2, 4]) {
        await mergeBuilt(inputs, asked, { out, threads, force: true });
        states.push(state(out));
      }
      expect(Object.keys(states[0]!)).toEqual(FILES);
      expect(states[1]).toEqual(states[0]);
      expect(states[2]).toEqual(states[0]);
    }
  });

  it("writes the same bytes for 1 and 2 threads of modules with more than 4096 units", async () => {
    const modules = { "layers.0.q_proj": { in: 6, out: 5 }, "layers.1.q_proj": { in: 5, out: 6 } };
    const root = tempFolder();
    const many = [1, 2, 3].map((t) => writeAdapter(join(root, `many${t}`), randomAdapter(t, { modules, rank: 1400 })));
    const states: Record<string, string>[] = [];
    for (const [paths, threads] of [
      [many, 1],
      [many, 2],
    ] as const) {
      const { report } = await mergeBuilt(paths, recipe, { out, threads, force: true });
      expect(report.advice).toBeNull();
      expect(report.totals.energy).toBeNull();
      expect(report.totals.normRatio).toBeGreaterThan(0);
      states.push(state(out));
    }
    expect(states[1]).toEqual(states[0]);
  });

  it("reports the same for 1 and 3 threads, but for timings", async () => {
    const [one, three] = [
      await mergeBuilt(inputs, recipe, { out, threads: 1 }),
      await mergeBuilt(inputs, recipe, { out, threads: 3, force: true }),
    ].map(({ report: { timings: _, ...rest } }) => rest);
    expect(three).toEqual(one);
  });

  it("brings an error out of a worker thread as it is, and leaves nothing", async () => {
    await expect(mergeBuilt([...inputs, broken], recipe, { out, threads: 2 })).rejects.toThrow(
      expect.objectContaining({ name: "FormatError", message: expect.stringMatching(/^broken: the tensor .*NaN/) }),
    );
    expect(readdirSync(dirname(out))).toEqual([]);
  });

  it("leaves nothing and no thread behind when it is cancelled", async () => {
    const stop = new AbortController();
    const options = { out, threads: 2, signal: stop.signal, onProgress: () => stop.abort() };
    await expect(mergeBuilt(inputs, recipe, options)).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
    expect(readdirSync(dirname(out))).toEqual([]);
    expect(process.getActiveResourcesInfo()).not.toContain("MessagePort");
  });

  it("merges again at a smaller rank where units turn out dead, on several threads as on one", async () => {
    const root = tempFolder();
    const dead = [1, 2].map((seed) => {
      const adapter = randomAdapter(seed, { modules: MODULES, rank: 3 });
      const modules = Object.entries(adapter.modules).map(([name, { A, B }]) => {
        const firstOnly = (B as number[][]).map((row) => row.map((value, i) => (i === 0 ? value : 0)));
        return [name, { A, B: firstOnly }] as const;
      });
      return writeAdapter(join(root, `dead-${seed}`), { ...adapter, modules: Object.fromEntries(modules) });
    });
    const states: Record<string, string>[] = [];
    for (const threads of [1, 2]) {
      const { report } = await mergeBuilt(dead, { method: "lego" }, { out, threads, force: true });
      expect(report.totals.rank).toBe(2);
      states.push(state(out));
    }
    expect(states[1]).toEqual(states[0]);
    expect([...readMerged(out).modules.values()].every(({ rank }) => rank === 2)).toBe(true);
    rmSync(out, { recursive: true });
  });

  it("says so, also where no rank was asked for", async () => {
    const root = tempFolder();
    const shape = { "layers.0.q_proj": { in: 40, out: 50 } };
    const three = [1, 2, 3].map((seed) =>
      writeAdapter(join(root, `few-${seed}`), randomAdapter(seed, { rank: 6, modules: shape })),
    );
    // Of 18 x 18 entries each adapter keeps one.
    const { report } = await mergeToFolder(three, { method: "dc_merge" }, { out: join(root, "few"), threads: 1 });
    expect(report.totals.rank).toBeLessThan(6);
    expect(report.warnings).toContainEqual({
      id: "rank-reduced",
      text: `Rank 6 is what these adapters ask for, but the merge leaves no module more than ${report.totals.rank} units that are not zero, so that is the rank of the result.`,
    });
  });
});

function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      return path.includes("lora-lego-") ? [path] : [];
    } catch {
      return []; // the descriptor that listed the folder
    }
  });
}
