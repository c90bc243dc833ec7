import { beforeAll, describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { UsageError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { decodeAdapter, type Merged, openPico, type PicoModule, randomAdapter } from "../support/pico.ts";

/** A module of rank 1: delta = b a^T. */
const unit = (a: readonly number[], b: readonly number[]): PicoModule => ({ A: [a], B: b.map((value) => [value]) });

let one: Adapter;
let other: Adapter;

// Deltas of one: q [[1, 0], [0, 0]], v [[0, 0], [0, 2]]; of other: q [[0, 3], [0, 0]], v [[0, 0], [4, 0]].
beforeAll(async () => {
  const all = { config: { target_modules: ["q", "v"] } };
  one = await openPico("one", { modules: { "l.0.q": unit([1, 0], [1, 0]), "l.0.v": unit([0, 2], [0, 1]) }, ...all });
  other = await openPico("other", {
    modules: { "l.0.q": unit([0, 3], [1, 0]), "l.0.v": unit([4, 0], [0, 1]) },
    ...all,
  });
});

const CAT = { method: "cat" } as const;
const merge = async (recipe: Recipe) => {
  const merged = await mergeInMemory([one, other], recipe);
  const read: Merged = decodeAdapter(JSON.stringify(merged.config), merged.weights);
  const deltas = Object.fromEntries(Array.from(read.modules, ([name, { delta }]) => [name, [...delta].map(rounded)]));
  return { ...merged, deltas };
};
/** To five decimals, -0 as 0. */
const rounded = (value: number): number => Math.round(value * 1e5) / 1e5 + 0;
const near = (found: number | null, expected: number) => expect(found).toBeCloseTo(expected, 6);

describe("include and exclude", () => {
  it("choose the modules of the result; the others are listed as skipped, with the reason", async () => {
    const { deltas, report, config } = await merge({ ...CAT, include: ["q"] });
    expect(deltas).toEqual({ "l.0.q": [1, 3, 0, 0] });
    expect(report.skipped).toEqual(["l.0.v: not chosen by include"]);
    expect(config.target_modules).toEqual(["q"]);
    const without = await merge({ ...CAT, include: ["l.**"], exclude: ["q"] });
    expect(without.deltas).toEqual({ "l.0.v": [0, 0, 4, 2] });
    expect(without.report.skipped).toEqual(["l.0.q: left out by exclude q"]);
  });

  it("take modules that any of several patterns matches, and list none that only an unused adapter has", async () => {
    const { deltas, report } = await merge({ ...CAT, include: ["l.0.q", "v"] });
    expect(Object.keys(deltas)).toEqual(["l.0.q", "l.0.v"]);
    expect(report.skipped).toEqual([]);
    const more = await openPico("more", { modules: { "l.0.q": unit([1, 0], [1, 0]), "l.0.k": unit([1, 0], [1, 0]) } });
    const without = await mergeInMemory([one, more], { ...CAT, weights: [1, 0], allowPartial: true });
    expect(without.report.skipped).toEqual([]);
  });

  it.each(["lego", "svd"] as const)(
    "give the modules that they choose the bytes that they have without (%s)",
    async (method) => {
      const shape = { modules: { "l.0.q": { in: 6, out: 5 }, "l.1.q": { in: 4, out: 7 } }, rank: 3 };
      const adapters = await Promise.all([1, 2, 3].map((seed) => openPico(`a${seed}`, randomAdapter(seed, shape))));
      const read = async (recipe: Recipe) => {
        const { config, weights } = await mergeInMemory(adapters, { ...recipe, target: { kind: "rank", rank: 2 } });
        return { config, modules: decodeAdapter(JSON.stringify(config), weights).modules };
      };
      const [all, some] = [await read({ method }), await read({ method, include: ["l.1.*"] })];
      expect([...some.modules.keys()]).toEqual(["l.1.q"]);
      expect(some.modules.get("l.1.q")!.A).toEqual(all.modules.get("l.1.q")!.A);
      expect(some.modules.get("l.1.q")!.B).toEqual(all.modules.get("l.1.q")!.B);
      // "q" would name the module that is left out, too.
      expect([all.config.target_modules, some.config.target_modules]).toEqual([["q"], ["l.1.q"]]);
    },
  );

  it("decide rank, dtype and scale by the chosen modules alone", async () => {
    const uneven = await openPico("uneven", {
      modules: {
        q: unit([1, 2], [1]),
        v: {
          A: [
            [1, 0],
            [2, 1],
          ],
          B: [
            [1, 2],
            [3, 4],
          ],
        },
      },
      config: { r: 2, lora_alpha: 4, rank_pattern: { q: 1 }, alpha_pattern: { q: 3 } },
    });
    expect(makePlan([uneven], {})).toMatchObject({ rank: 2, sharedScale: null });
    expect(makePlan([uneven], { exclude: ["v"] })).toMatchObject({ rank: 1, sharedScale: 3 });
  });

  it("say which adapters add nothing", async () => {
    const more = await openPico("more", { modules: { "l.0.q": unit([1, 0], [1, 0]), "l.0.k": unit([1, 0], [1, 0]) } });
    const { warnings, modules } = makePlan([one, more], { include: ["v"] });
    expect(warnings).toEqual([{ id: "left-out", text: "more has none of the chosen modules, so it adds nothing." }]);
    expect(modules.map(({ name }) => name)).toEqual(["l.0.v"]);
  });

  it.each([
    [{ include: ["q", "x_proj"] }, /include pattern "x_proj" matches no module; modules have names such as l\.0\.q/],
    [{ exclude: ["layers.*"] }, /exclude pattern "layers\.\*" matches no module/],
    [{ moduleWeights: [{ match: "k", weights: [1, 1] }] }, /module weights pattern "k" matches no module/],
    [
      { include: ["q"], exclude: ["l.**"] },
      /leave no module to merge; choose wider or fewer patterns, or other weights/,
    ],
    [{ include: ["q."] }, /pattern "q\." cannot be read/],
  ] as const)("are refused where they choose nothing: %j", (recipe, said) => {
    expect(() => makePlan([one, other], recipe)).toThrow(UsageError);
    expect(() => makePlan([one, other], recipe)).toThrow(said);
  });
});

describe("weights of modules", () => {
  it("stand in for the adapters' weights where their pattern matches, the last one first", async () => {
    const moduleWeights = [
      { match: "**", weights: [5, 5] },
      { match: "v", weights: [-1, 0.5] },
    ];
    const { deltas, report } = await merge({ ...CAT, weights: [2, 1], moduleWeights });
    expect(deltas).toEqual({ "l.0.q": [5, 15, 0, 0], "l.0.v": [0, 0, 2, -2] });
    expect(report.modules.map(({ weights }) => weights)).toEqual([
      [5, 5],
      [-1, 0.5],
    ]);
    const turned = await merge({ ...CAT, weights: [2, 1], moduleWeights: moduleWeights.toReversed() });
    expect(turned.deltas).toEqual({ "l.0.q": [5, 15, 0, 0], "l.0.v": [0, 0, 20, 10] });
    const single = await merge({ ...CAT, weights: [2, 1], moduleWeights: moduleWeights.slice(1) });
    expect(single.deltas).toEqual({ "l.0.q": [2, 3, 0, 0], "l.0.v": [0, 0, 2, -2] });
  });

  it("make S in energy: an exact sum has all of it, in every module and over all", async () => {
    const moduleWeights = [{ match: "v", weights: [-1, 0.5] }];
    const { report } = await merge({ ...CAT, moduleWeights });
    for (const { energy } of [...report.modules, report.totals]) near(energy, 1);
    // <delta, D_0> is 1 in q and -2 * 2 in v; |delta|^2 = 10 + 8, |D_0|^2 = 1 + 4.
    near(report.totals.cosines[0]!, (1 + -1 * 4) / (Math.sqrt(10 + 8) * Math.sqrt(5)));
  });

  it("of 0 leave an adapter out of a module, and the module out where no adapter is left", async () => {
    const { deltas, report } = await merge({ ...CAT, moduleWeights: [{ match: "v", weights: [0, 1] }] });
    expect(deltas).toEqual({ "l.0.q": [1, 3, 0, 0], "l.0.v": [0, 0, 4, 0] });
    expect(report.modules[1]).toMatchObject({ inputRanks: [null, 1], cosines: [null, 1], weights: [0, 1] });
    const none = await merge({ ...CAT, moduleWeights: [{ match: "v", weights: [0, 0] }] });
    expect(none.deltas).toEqual({ "l.0.q": [1, 3, 0, 0] });
    expect(none.report.skipped).toEqual(["l.0.v: weight 0 for every adapter that has it"]);
  });

  it("bring back an adapter of weight 0, and leave one out that has 0 everywhere", async () => {
    const back = await merge({ ...CAT, weights: [1, 0], moduleWeights: [{ match: "q", weights: [1, 1] }] });
    expect(back.deltas).toEqual({ "l.0.q": [1, 3, 0, 0], "l.0.v": [0, 0, 0, 2] });
    expect(back.report.warnings).toEqual([]);
    const gone = await merge({ ...CAT, moduleWeights: [{ match: "**", weights: [1, 0] }] });
    expect(gone.report.warnings.map(({ text }) => text)).toEqual([
      "other has weight 0 in every module and is left out.",
    ]);
  });

  it("are the divisor of average", async () => {
    const { deltas } = await merge({ method: "average", moduleWeights: [{ match: "v", weights: [1, 3] }] });
    // q: half of (1, 3); v: a quarter of (3 * 4, 1 * 2).
    expect(deltas).toEqual({ "l.0.q": [0.5, 1.5, 0, 0], "l.0.v": [0, 0, 3, 0.5] });
  });

  it.each([
    [{ match: "q", weights: [1] }, "cat", /2 adapters but 1 weight for q; pass one weight for each adapter/],
    [{ match: "q", weights: [1, Number.NaN] }, "cat", /finite/],
    [{ match: "q", weights: [1, -1] }, "lego", /cannot be negative, but other has -1 for q; .*--method cat/],
    [{ match: "q", weights: [1, -1] }, "average", /sum to 0 for l\.0\.q, so average cannot divide by it/],
    [{ match: "**", weights: [0, 0] }, "cat", /All weights are 0/],
  ] as const)("are checked like those of adapters: %j of %s", (entry, method, said) => {
    const plan = () => makePlan([one, other], { method, moduleWeights: [entry] });
    expect(plan).toThrow(UsageError);
    expect(plan).toThrow(said);
  });
});
