import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import { evaluate, readTaskFiles, runBenchFile, tuneMerge, writeBaseGgufFile } from "../../src/node/evaluate.ts";
import * as library from "../../src/node/index.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

type Call = (...args: unknown[]) => unknown;
interface All extends Library {
  evaluate: typeof evaluate;
  runBenchFile: typeof runBenchFile;
  tuneMerge: typeof tuneMerge;
}
type Library = typeof library;
/** Every option of a function, with a value that it takes. */
type EveryOption<Name extends keyof All & keyof typeof FIRST> = Required<NonNullable<LastOf<All[Name]>>>;
type LastOf<F> = F extends (...args: infer Args) => unknown
  ? Required<Args> extends [...unknown[], infer Last]
    ? Last
    : never
  : never;

let folder = "";
let adapters: string[] = [];
beforeAll(() => {
  folder = tempFolder();
  adapters = [1, 2].map((seed) => writeAdapter(join(folder, `${seed}`), randomAdapter(seed)));
});

const FUNCTIONS = { ...library, evaluate, runBenchFile, tuneMerge, readTaskFiles, writeBaseGgufFile };
const LOADED = { steps: [], paths: [] };
/** The arguments of each function before its options. */
const FIRST = {
  mergeAdapters: () => [adapters, {}],
  mergeToFolder: () => [adapters, {}],
  planMergedOutput: () => [adapters, {}],
  runRecipe: () => [LOADED],
  planRecipe: () => [LOADED],
  loadRecipe: () => ["x.yaml", "folder"],
  convertAdapter: () => [adapters[0]],
  fuseModel: () => [adapters],
  extractAdapter: () => [],
  pushAdapter: () => [adapters[0], "me/it"],
  checkAdapter: () => [adapters[0]],
  inspectAdapter: () => [adapters[0]],
  auditAdapters: () => [adapters],
  auditMerged: () => [adapters[0]],
  compareAdapters: () => [adapters],
  verifyAdapters: () => [adapters],
  openAdapters: () => [adapters],
  openAdapterPath: () => [adapters[0]],
  hubSettings: () => [{}],
  evaluate: () => [],
  runBenchFile: () => ["bench.yaml"],
  tuneMerge: () => [adapters],
  readTaskFiles: () => [["rows.jsonl"]],
  writeBaseGgufFile: () => ["model", "model.gguf"],
} satisfies Record<keyof typeof FUNCTIONS, () => unknown[]>;

const nothing = (): void => {};
const HUB = { settings: library.hubSettings({}), onDownload: nothing, signal: new AbortController().signal };
const PLACE = { force: true, onNotice: nothing };
const FOLDER = {
  ...HUB,
  ...PLACE,
  stream: false,
  report: "report.json",
  threads: 1,
  onProgress: nothing,
  out: "out",
  base: "base",
};
const MERGE = { ...FOLDER, to: "gguf", baseConfig: "config.json" } as const;
const profile = "profile.json";
const OPENING = { ...HUB, stream: false, baseConfig: null };
const LLAMA = { getLlama: () => Promise.reject(new Error("not started")) };

const OPTIONS = {
  mergeAdapters: { ...MERGE, profile },
  planMergedOutput: MERGE,
  mergeToFolder: { ...FOLDER, profile },
  runRecipe: { ...MERGE, onStep: async () => {} },
  planRecipe: { ...MERGE, onStep: async () => {} },
  convertAdapter: {
    ...HUB,
    ...PLACE,
    stream: true,
    out: "out",
    to: "mlx",
    for: "mlx",
    baseConfig: "config.json",
    extras: "drop",
    fromInit: "initial",
    base: "x",
    rank: 1,
  },
  fuseModel: {
    ...HUB,
    ...PLACE,
    stream: true,
    base: "base",
    out: "out",
    weights: [1, 1],
    scale: 1,
    extras: "drop",
    onProgress: nothing,
  },
  extractAdapter: {
    ...PLACE,
    signal: HUB.signal,
    base: "base",
    tuned: "tuned",
    out: "out",
    rank: 4,
    dtype: "f16",
    include: ["*"],
    exclude: ["v_proj"],
    onProgress: nothing,
  },
  pushAdapter: { private: true, settings: HUB.settings },
  checkAdapter: { ...HUB, stream: true, for: "vllm", base: "base", baseConfig: "config.json" },
  inspectAdapter: OPENING,
  auditAdapters: OPENING,
  auditMerged: { ...OPENING, of: ["a"] },
  compareAdapters: {
    ...OPENING,
    ...PLACE,
    methods: ["lego"],
    ranks: [2],
    weights: [1, 1],
    allowPartial: true,
    html: "page.html",
  },
  verifyAdapters: { ...OPENING, rank: 2, seed: 0, allowPartial: true },
  openAdapters: OPENING,
  openAdapterPath: { ...OPENING, name: "it" },
  evaluate: {
    base: "base",
    adapters: ["a"],
    rows: [{ task: "t", prompt: "p", choices: ["x"], answer: 0 }],
    threads: 1,
    llama: LLAMA,
    signal: HUB.signal,
    onProgress: nothing,
    onDownload: nothing,
  },
  runBenchFile: {
    ...PLACE,
    cache: "cache",
    out: "out.md",
    limit: 1,
    threads: 1,
    llama: LLAMA,
    signal: HUB.signal,
    onProgress: nothing,
  },
  tuneMerge: {
    ...PLACE,
    base: "base",
    rows: [{ task: "t", prompt: "p", choices: ["x"], answer: 0 }],
    test: [],
    out: "out",
    budget: 1,
    rank: 1,
    allowPartial: true,
    extras: "drop",
    prefer: { t: 2 },
    seed: 0,
    cache: "cache",
    threads: 1,
    llama: LLAMA,
    signal: HUB.signal,
    onProgress: nothing,
  },
} satisfies { [Name in Exclude<keyof typeof FIRST & keyof All, "loadRecipe" | "hubSettings">]: EveryOption<Name> };

async function errorOf(name: keyof typeof FIRST, args: readonly unknown[]): Promise<unknown> {
  try {
    return { result: await (FUNCTIONS[name] as Call)(...args) };
  } catch (error) {
    return error;
  }
}

/** One sentence of ours, not one of JavaScript's own failures. */
async function expectRefused(name: keyof typeof FIRST, args: readonly unknown[], words: RegExp): Promise<void> {
  const error = await errorOf(name, args);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message).toMatch(words);
  expect((error as Error).message).toMatch(/[.?]$/);
}

const NAMES = Object.keys(FIRST) as (keyof typeof FIRST)[];
const WITH_OPTIONS = Object.entries(OPTIONS) as [keyof typeof FIRST, Readonly<Record<string, unknown>>][];
/** No value of an option is any of these, but null may stand for no base config. */
const ODD = [-1.5, 5n, [null], [{}], Symbol("odd"), { odd: "it" }];

describe("plain JavaScript that calls", () => {
  it.each(NAMES)("%s with odd arguments gets one sentence that names them", async (name) => {
    const args: unknown[] = FIRST[name]();
    for (const i of args.keys()) {
      for (const odd of [null, -1, 5n, [3], Symbol("odd")]) {
        await expectRefused(name, args.with(i, odd), new RegExp(`^The argument \\w+ of ${name} is .*, but must be `));
      }
    }
  });

  it.each(WITH_OPTIONS)("%s with odd options gets one sentence that names them", async (name, options) => {
    const args = FIRST[name]();
    for (const odd of [null, 3, "out", [], nothing]) {
      await expectRefused(name, [...args, odd], new RegExp(`^The argument options of ${name} is .*, but must be `));
    }
    for (const option of Object.keys(options)) {
      for (const odd of ODD) {
        const given = { ...options, [option]: odd };
        if (option === "scale" && odd === -1.5) continue;
        await expectRefused(name, [...args, given], new RegExp(`^The option ${option} of ${name} is .*, but must be `));
      }
    }
    await expectRefused(name, [...args, { ...options, zzzz: 1 }], new RegExp(`^${name} has no option "zzzz"; its `));
  });

  it.each([
    ["mergeAdapters", ["out"]],
    ["mergeToFolder", ["out"]],
    ["convertAdapter", ["out"]],
    ["fuseModel", ["base", "out"]],
    ["extractAdapter", ["base", "tuned", "out", "rank"]],
    ["checkAdapter", ["for"]],
    ["evaluate", ["base", "adapters", "rows"]],
  ] as const)("%s without %j is told what it needs", async (name, needed) => {
    for (const option of needed) {
      const given = { ...OPTIONS[name], [option]: undefined };
      await expectRefused(
        name,
        [...FIRST[name](), given],
        new RegExp(`^${name} needs the option ${option}, which must be `),
      );
    }
    await expectRefused(name, FIRST[name](), new RegExp(`^${name} needs the option ${needed[0]}, which must be `));
  });

  it.each([
    [
      "mergeAdapters",
      { out: "x", threads: -1 },
      "The option threads of mergeAdapters is -1, but must be a whole number, at least 1.",
    ],
    ["mergeAdapters", { out: "x", thread: 1 }, 'mergeAdapters has no option "thread"; did you mean threads?'],
    ["mergeAdapters", {}, "mergeAdapters needs the option out, which must be a path."],
    [
      "mergeToFolder",
      { out: "x", to: "peft" },
      'mergeToFolder has no option "to"; its options are settings, onDownload, ',
    ],
    [
      "planMergedOutput",
      { out: "x", to: "onnx" },
      'The option to of planMergedOutput is "onnx", but must be one of peft, kohya, ',
    ],
    [
      "compareAdapters",
      { methods: "lego" },
      'The option methods of compareAdapters is "lego", but must be a list of texts.',
    ],
  ] as const)("%s with %j is told: %s", async (name, options, words) => {
    const error = await errorOf(name, [...FIRST[name](), options]);
    expect((error as Error).message).toContain(words);
  });

  it("writes nothing then, and takes undefined for absent", async () => {
    const out = join(folder, "merged");
    await errorOf("mergeAdapters", [adapters, {}, { out, threads: 0 }]);
    expect(existsSync(out)).toBe(false);
    await errorOf("mergeAdapters", [adapters, {}, { out, threads: undefined, signal: undefined, report: undefined }]);
    expect(existsSync(out)).toBe(true);
  });
});
