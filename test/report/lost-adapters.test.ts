import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { METHODS } from "../../src/methods/registry.ts";
import { openAdapters } from "../../src/node/input/adapter-path.ts";
import type { Warning } from "../../src/plan/warning.ts";
import type { Recipe, RecipeFields } from "../../src/recipe/recipe.ts";
import { openPico } from "../support/pico.ts";

/** A delta of one entry, at (at, at). */
const adapter = (name: string, at: number, size: number) => {
  const line = (value: number): number[] => [0, 1, 2].map((x) => (x === at ? value : 0));
  return openPico(name, { modules: { q: { A: [line(1)], B: line(size).map((x) => [x]) } } });
};

const CAT = { method: "cat" } as const;

async function warnings(id: Warning["id"], sizes: readonly (readonly [number, number])[], recipe: Recipe) {
  const adapters = await Promise.all(sizes.map(([at, size], t) => adapter(`adapter-${t}`, at, size)));
  const { report } = await mergeInMemory(adapters, recipe);
  return { report, texts: report.warnings.filter((warning) => warning.id === id).map(({ text }) => text) };
}

describe("lost-adapter", () => {
  it("names the adapter, its size, its cosine and the weight that balances it (worked by hand)", async () => {
    // The others' mean is (3 + 4.5) / 2 = 3.75, 150 times 0.025; cosine 0.025 / |(3, 4.5, 0.025)|.
    const sizes = [
      [0, 3],
      [1, 4.5],
      [2, 0.025],
    ] as const;
    const { texts } = await warnings("lost-adapter", sizes, CAT);
    expect(texts).toEqual([
      "adapter-2 is practically lost: its deltas are 150 times smaller than the others' and have cosine 0.005 with the result; a weight of 150 would balance it, and amplify its noise as much.",
    ]);
    const balanced = await warnings("lost-adapter", sizes, { ...CAT, weights: [1, 1, 150] });
    expect(balanced.texts).toEqual([]);
    expect(balanced.report.totals.cosines[2]).toBeGreaterThan(0.5);
  });

  it("does not count how small rounding errors are", async () => {
    const sizes = [
      [0, 3],
      [1, 3e-15],
    ] as const;
    const { texts } = await warnings("lost-adapter", sizes, { ...CAT, dtype: "f32" });
    expect(texts).toEqual([
      expect.stringMatching(/ over a million times smaller .*; no weight balances it, so leave it out\.$/),
    ]);
  });

  it("multiplies the weight that is there", async () => {
    const { texts } = await warnings(
      "lost-adapter",
      [
        [0, 3],
        [1, 0.1],
      ],
      { ...CAT, weights: [1, 0.5] },
    );
    expect(texts).toEqual([
      expect.stringMatching(/60 times smaller .* a weight of 30 would balance it, and amplify its noise as much\.$/),
    ]);
  });

  it("goes by the weights of each module", async () => {
    // Of sizes 1 and 1, the second's weights make it 0.01 in q and 0.001 in v: |(1, 1)| / |(0.01, 0.001)| is 141.
    const unit = (at: number) => ({
      A: [
        [1, 0],
        [0, 1],
      ].slice(at, at + 1),
      B: [[1 - at], [at]],
    });
    const open = (name: string, at: number) => openPico(name, { modules: { q: unit(at), v: unit(at) } });
    const adapters = [await open("one", 0), await open("other", 1)];
    const textsOf = async (recipe: RecipeFields) => {
      const { report } = await mergeInMemory(adapters, { ...recipe, ...CAT });
      return report.warnings.filter(({ id }) => id === "lost-adapter").map(({ text }) => text);
    };
    const moduleWeights = [
      { match: "q", weights: [1, 0.01] },
      { match: "v", weights: [1, 0.001] },
    ];
    expect(await textsOf({ moduleWeights })).toEqual([
      expect.stringMatching(/^other is practically lost: .* 140 times smaller .*; weights 140 times as large would/),
    ]);
    expect(await textsOf({ moduleWeights: [{ match: "**", weights: [1, 0.01] }] })).toEqual([
      expect.stringMatching(/^other .* 100 times smaller .*; a weight of 1 would balance it/),
    ]);
    expect(await textsOf({ weights: [1, 0.001], moduleWeights: [{ match: "**", weights: [1, 1] }] })).toEqual([]);
  });

  it("says how to scale an adapter where weights are relative", async () => {
    const { texts } = await warnings(
      "lost-adapter",
      [
        [0, 3],
        [1, 0.03],
      ],
      { method: "lego" },
    );
    expect(texts).toEqual([
      expect.stringMatching(
        /bring it to their size first \(--method cat --scale 100\), which amplifies its noise as much\.$/,
      ),
    ]);
  });

  it.each([
    [
      "one that is 19 times smaller",
      [
        [0, 1.9],
        [1, 0.1],
      ],
    ],
    [
      "a small one that points where the others do",
      [
        [0, 3],
        [0, 0.01],
      ],
    ],
    [
      "one of zeros, which has a warning of its own",
      [
        [0, 3],
        [1, 0],
      ],
    ],
    ["one alone", [[0, 1e-6]]],
  ] as const)("does not speak of %s", async (_, sizes) => {
    expect((await warnings("lost-adapter", sizes, CAT)).texts).toEqual([]);
  });
});

describe("zero-result", () => {
  it("says that adapters cancel each other out, by every method that sums", async () => {
    const summing = METHODS.filter(({ id }) => ["cat", "svd", "task_arithmetic", "pico", "tsv"].includes(id));
    for (const { id } of summing) {
      const recipe = { method: id, weights: [1, -1] };
      const { texts } = await warnings(
        "zero-result",
        [
          [0, 3],
          [0, 3],
        ],
        recipe as Recipe,
      );
      expect(texts).toEqual(["The result changes nothing: the adapters cancel each other out; pass other weights."]);
    }
  });
});

describe("zero-result by weights of modules", () => {
  const sizes = [
    [0, 3],
    [0, 3],
  ] as const;

  it("says that adapters cancel where these make them", async () => {
    const moduleWeights = [{ match: "q", weights: [2, -2] }];
    const { texts } = await warnings("zero-result", sizes, { ...CAT, moduleWeights });
    expect(texts).toEqual([expect.stringContaining("cancel each other out")]);
  });

  it("blames the scale where only weights that no module has would cancel", async () => {
    const moduleWeights = [{ match: "q", weights: [1, 1] }];
    const recipe = { ...CAT, weights: [1, -1], moduleWeights, scale: 1e-300 };
    expect((await warnings("zero-result", sizes, recipe)).texts).toEqual([
      expect.stringContaining("too small for f32"),
    ]);
  });
});

describe("zero-adapter", () => {
  it("says of a mean that it counts the adapter", async () => {
    const sizes = [
      [0, 3],
      [1, 0],
    ] as const;
    expect((await warnings("zero-adapter", sizes, { method: "average" })).texts).toEqual([
      "adapter-1 changes nothing: all its deltas are zero. The mean still counts it; leave it out unless it should count.",
    ]);
    expect((await warnings("zero-adapter", sizes, CAT)).texts).toEqual([
      "adapter-1 changes nothing: all its deltas are zero.",
    ]);
  });
});

const CORPUS = fileURLToPath(new URL("../../../shared/corpus", import.meta.url));
const MINIBENCH = fileURLToPath(new URL("../../examples/minibench", import.meta.url));
const lostOf = async (paths: readonly string[], method: string): Promise<string[]> => {
  const opened = await openAdapters(paths);
  try {
    const { report } = await mergeInMemory(
      opened.map((own) => own.adapter),
      { method, extras: "drop", dtype: "f32" } as Recipe,
    );
    return report.warnings.filter(({ id }) => id === "lost-adapter").map(({ text }) => text);
  } finally {
    for (const { close } of opened) close();
  }
};

describe("lost-adapter among adapters that were trained", () => {
  it.each(["lego", "task_arithmetic"])("is not said of the tasks of minibench (%s)", async (method) => {
    const tasks = ["cola", "mnli", "mrpc", "qnli", "rte", "sst2"];
    expect(
      await lostOf(
        tasks.map((task) => join(MINIBENCH, "llama/all", task)),
        method,
      ),
    ).toEqual([]);
  });

  it
    .skipIf(!existsSync(CORPUS))
    .each([
      [["gpt2-math", "gpt2-med", "gpt2-finance"]],
      [["gemma-r4-qkvo", "gemma-r8-qv"]],
      [["roberta-r4-bias-all", "roberta-r7"]],
    ])(`is not said of %j${existsSync(CORPUS) ? "" : ` (skipped: there is no ${CORPUS})`}`, async (names) => {
    for (const method of ["lego", "task_arithmetic"]) {
      expect(
        await lostOf(
          names.map((name) => join(CORPUS, name)),
          method,
        ),
      ).toEqual([]);
    }
  });

  it.skipIf(!existsSync(CORPUS))("is said of the one that hardly trained", async () => {
    const names = ["gemma-r4-qkvo", "gemma-r4-qv", "gemma-r8-qv"].map((name) => join(CORPUS, name));
    const texts = await lostOf(names, "task_arithmetic");
    expect(texts).toEqual([expect.stringMatching(/gemma-r4-qv is practically lost: its deltas are 210 times smaller/)]);
  });
});

describe("an adapter that changes nothing", () => {
  const merged = async (...sizes: readonly number[]) => {
    const all = sizes.map((size, at) => [at, size] as const);
    return (await warnings("zero-adapter", all, CAT)).report.warnings;
  };

  it("has the merge without it as its remedy", async () => {
    const [zero, ...others] = await merged(3, 0, 2);
    expect(others).toEqual([]);
    expect(zero).toMatchObject({
      id: "zero-adapter",
      without: { why: "The merge without adapter-1, which changes nothing.", leaves: [1], weights: [1, 1, 1] },
    });
  });

  it("is left out with one that is lost", async () => {
    const found = await merged(3, 0, 0.01);
    expect(found.map(({ id, without }) => [id, without])).toEqual([
      ["zero-adapter", undefined],
      [
        "lost-adapter",
        {
          why: "The merge without adapter-2, if it hardly trained. Also without adapter-1, which changes nothing.",
          method: "auto",
          leaves: [1, 2],
          weights: [1, 1, 1],
        },
      ],
    ]);
  });
});
