import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { lossShown } from "../../src/report/loss-shown.ts";
import { nextMerges } from "../../src/report/next-merges.ts";
import type { PicoModule } from "../support/pico.ts";
import { CAT, four, LEGO, open, RANK_1, report, right, three, unit } from "../support/right-angles.ts";

const zero = unit([1, 1], [0, 0]);
const ids = async (adapters: readonly Adapter[], recipe: Recipe = {}): Promise<string[]> =>
  (await report(adapters, recipe)).warnings.map(({ id }) => id);
const texts = async (id: string, adapters: readonly Adapter[], recipe: Recipe = {}): Promise<string[]> =>
  (await report(adapters, recipe)).warnings.filter((warning) => warning.id === id).map(({ text }) => text);
const textOf = async (id: string, adapters: readonly Adapter[], recipe: Recipe = {}): Promise<string> =>
  (await texts(id, adapters, recipe))[0]!;

describe("warnings", () => {
  it("are none of a clean merge, by any method", async () => {
    const both = { target: { kind: "rank", rank: 2 } } as const;
    for (const recipe of [both, { ...LEGO, ...both }, CAT, { method: "average", ...both }] satisfies Recipe[])
      expect(await ids(await right(), recipe)).toEqual([]);
    expect(await ids([await open("one", { q: three })], LEGO)).toEqual([]);
  });

  it("rank-too-low: ranks that can hold less than 90% of the sum, with the rank that audits ask for", async () => {
    // Deltas of 3 and 4 in different directions: rank 1 holds 16 of 25.
    const { warnings, totals } = await report(await right(), RANK_1);
    expect(warnings).toEqual([
      {
        id: "rank-too-low",
        text: "Rank 1 can hold 64% of the energy of the adapters' sum, and less than 90% is too little; rank 2 can hold enough.",
        fix: { why: "Rank 2 can hold enough of the energy.", rank: 2 },
      },
    ]);
    expect([totals.room, totals.rankForMost]).toEqual([expect.closeTo(0.64, 6), 2]);
    // One rank for two unrelated adapters leaves no room for the smaller one either, which is lost: one remedy for all. Without it, auto takes two.
    const auto = await report(await right(), { target: { kind: "rank", rank: 1 } });
    expect((await report(await right(), {})).warnings).toEqual([]);
    expect(auto.warnings.map(({ id, fix }) => [id, fix?.rank])).toEqual([
      ["lost-adapter", undefined],
      ["rank-too-low", 2],
      ["badly-kept", undefined],
    ]);
  });

  it("rank-too-low: no rank that the method does not write, but auto's", async () => {
    const made = await report(await right(), { method: "linear" });
    expect(made.warnings.filter(({ id }) => id === "rank-too-low")).toEqual([
      {
        id: "rank-too-low",
        text: "Rank 1 can hold 64% of the energy of the adapters' sum, and less than 90% is too little; linear writes no larger one for them.",
      },
    ]);
    expect(nextMerges(made).map(({ method, rank }) => [method, rank])).toEqual([["auto", 2]]);
  });

  it("same-adapter: two inputs whose deltas have a cosine above 0.99, and no two below", async () => {
    const turned = (degrees: number) => {
      const angle = (degrees * Math.PI) / 180;
      return open("turned", { q: unit([Math.cos(angle), Math.sin(angle)], [1, 0]) });
    };
    const straight = await open("straight", { q: unit([2, 0], [1, 0]) });
    expect(await ids([straight, straight], CAT)).toEqual(["same-adapter"]);
    expect(await ids([straight, await turned(5)], CAT)).toEqual(["same-adapter"]); // cosine 0.9962
    expect(await ids([straight, await turned(9)], CAT)).toEqual([]); // 0.9877
    expect(await ids([straight, await turned(180)], CAT)).toEqual([]);
    expect(await textOf("same-adapter", [straight, await turned(0)], CAT)).toMatch(/straight and turned .* 1\.0000/);
    const four = [straight, await turned(90), await turned(1), straight];
    expect(await ids(four, CAT)).toEqual(["same-adapter"]);
  });

  it("same-adapter: not of an input that is left out", async () => {
    const straight = await open("straight", { q: three });
    expect(await ids([straight, straight], { ...CAT, weights: [1, 0] })).toEqual(["left-out"]);
  });

  it("zero-result: a scale that leaves nothing", async () => {
    expect(await ids(await right(), { ...CAT, scale: 1e-300 })).toContain("zero-result");
    expect(await textOf("zero-result", await right(), { ...CAT, scale: 1e-300 })).toBe(
      "The result changes nothing: with these weights and scale its values are too small for f32; pass larger ones.",
    );
  });

  it("zero-adapter: an input that changes nothing", async () => {
    const zero = await open("zero", { q: unit([1, 2], [0, 0]) });
    expect(await ids([...(await right()), zero], RANK_1)).toEqual(["zero-adapter", "rank-too-low"]);
    expect(await textOf("zero-adapter", [zero], LEGO)).toContain("zero changes nothing");
    const partly = await open("partly", { q: unit([1, 2], [0, 0]), k: three });
    expect(await ids([partly, await open("four", { q: four })], CAT)).toEqual([]);
    const silent = await open("silent", { q: three }, { lora_alpha: 0 });
    expect(await ids([await open("four", { q: four }), silent], CAT)).toEqual(["zero-adapter"]);
  });

  it("different-base: inputs that name different bases", async () => {
    const based = (name: string, module: PicoModule, base: string) =>
      open(name, { q: module }, { base_model_name_or_path: base });
    expect(await ids([await based("one", three, "x"), await based("two", four, "y")], CAT)).toEqual(["different-base"]);
  });

  it("cancelled-cluster: members that cancel, with the module, and the cluster without a reweight", async () => {
    const against = [
      await open("one", { q: three, k: four }),
      await open("two", { q: unit([-3, 0], [-1, 0]), k: unit([0, 4], [1, 0]) }),
    ];
    const { warnings, modules } = await report(against, RANK_1);
    const cancelled = warnings.filter(({ id }) => id === "cancelled-cluster");
    expect(cancelled).toEqual([
      { id: "cancelled-cluster", text: expect.stringContaining("1 cluster of q"), module: "q" },
    ]);
    const [k, q] = modules as [(typeof modules)[0], (typeof modules)[0]];
    expect(q.clusters![0]!.reweight).toBeNull();
    expect(k.clusters![0]!.reweight).toBe(1);
    expect(q).toMatchObject({ normRatio: 0, energy: null });
  });

  it("b-ignored: B below 2% of what is clustered, where anything is", async () => {
    const faint = async (b: number) => [
      await open("one", { q: unit([1, 0], [b, 0]) }),
      await open("two", { q: unit([0, 1], [0, b]) }),
    ];
    // The share of B is b^2 / (1 + b^2).
    expect(await ids(await faint(0.13), RANK_1)).toContain("b-ignored");
    expect(await ids(await faint(0.15), RANK_1)).not.toContain("b-ignored");
    expect(await ids(await faint(0.13), { ...LEGO, target: { kind: "rank", rank: 2 } })).toEqual([]);
    expect(await textOf("b-ignored", await faint(0.13), RANK_1)).toMatch(/1\.7%.*the gauge balanced/);
    for (const options of [{ gauge: "balanced" }, { metric: "delta" }] as const) {
      expect(await ids(await faint(0.13), { ...RANK_1, options })).not.toContain("b-ignored");
    }
  });

  it("selection-not-merge: over 80% of the clusters hold a single unit, and one does not", async () => {
    // Units far apart from each other but for one pair.
    const spread = async (count: number) => {
      const one = Array.from({ length: count }, (_, i) =>
        Array.from({ length: count }, (_, j) => (i === j ? 10 + i : 0)),
      );
      const B = one[0]!.map((_, i) => one.map((_, j) => (i === j ? 5 : 0)));
      const first = await open("one", { q: { A: one, B } });
      return [
        first,
        await open("two", { q: unit([10, 1, ...Array(count - 2).fill(0)], [5, 1, ...Array(count - 2).fill(0)]) }),
      ];
    };
    const keep = (rank: number) => ({ ...LEGO, target: { kind: "rank", rank } }) as const;
    // 5 of 6 clusters are single; 4 of 5 are 80%, which is not over it.
    expect(await ids(await spread(6), keep(6))).toEqual(["selection-not-merge"]);
    expect(await ids(await spread(5), keep(5))).toEqual([]);
    expect(await ids(await spread(6), keep(7))).toEqual([]);
  });

  it("weights-idle: weights of lego that cannot act", async () => {
    const full = { ...LEGO, target: { kind: "rank", rank: 2 } } as const;
    const adapters = await right();
    expect(await ids(adapters, { ...full, weights: [1, 2] })).toEqual(["weights-idle"]);
    expect(await ids(adapters, { ...full, weights: [2, 2] })).toEqual([]);
    expect(await ids(adapters, { ...RANK_1, weights: [1, 2] })).not.toContain("weights-idle");
    expect(await ids(adapters, { ...CAT, weights: [1, 2] })).toEqual([]);
    const single = [await open("one", { q: three })];
    expect(await ids(single, { ...LEGO, weights: [3] })).toEqual(["weights-idle"]);
    expect(await textOf("weights-idle", single, { ...LEGO, weights: [3] })).toContain("--scale");
    expect(await ids(single, { ...CAT, weights: [3] })).toEqual([]);
    expect(await ids(adapters, { ...LEGO, weights: [0, 3] })).toEqual(["left-out", "weights-idle"]);
    // Relative weights without clusters act at any rank.
    expect(await ids(adapters, { ...full, method: "karcher", weights: [1, 2] })).toEqual([]);
    expect(await ids(single, { method: "karcher", weights: [3] })).toEqual(["weights-idle"]);
  });

  it("weights-idle: not where ranks differ, since output reweighting takes their weighted mean", async () => {
    const wide = await open("wide", {
      q: {
        A: [
          [1, 0],
          [0, 2],
        ],
        B: [
          [1, 0],
          [0, 1],
        ],
      },
    });
    const adapters = [wide, (await right())[1]!];
    const recipe = { ...LEGO, target: { kind: "rank", rank: 3 }, weights: [1, 3] } as const;
    expect(await ids(adapters, recipe)).toEqual([]);
    expect(await ids(adapters, { ...recipe, options: { outputReweight: false } })).toEqual(["weights-idle"]);
    const weighted = await mergeInMemory(adapters, recipe);
    const plain = await mergeInMemory(adapters, { ...recipe, weights: [1, 1] });
    expect(weighted.weights).not.toEqual(plain.weights);
  });

  it("weights-idle: not where the delta is brought to the weighted mean of the norms", async () => {
    const recipe = {
      ...LEGO,
      target: { kind: "rank", rank: 2 },
      weights: [1, 3],
      options: { outputNorm: "mean" },
    } as const;
    expect(await ids(await right(), recipe)).toEqual([]);
    expect(await ids(await right(), { ...recipe, options: {} })).toEqual(["weights-idle"]);
  });
});

describe("zero-modules", () => {
  it("counts the modules whose deltas are zero in all adapters, unless all are", async () => {
    const adapters = [
      await open("one", { q: three, k: three, v: zero }),
      await open("two", { q: four, k: zero, v: zero }),
    ];
    expect(await texts("zero-modules", adapters, CAT)).toEqual([
      "1 of 3 modules change nothing: their deltas are zero in all adapters.",
    ]);
    const nothing = [await open("one", { q: zero }), await open("two", { q: zero })];
    expect(await texts("zero-modules", nothing, CAT)).toEqual([]);
  });
});

describe("zero-result", () => {
  it("is not said of a result that is only small, nor of adapters that cancel in some modules", async () => {
    const adapters = [await open("three", { q: three }), await open("four", { q: four })];
    expect(await texts("zero-result", adapters, { ...CAT, scale: 1e-9 })).toEqual([]);
    const apart = [await open("one", { q: three, k: three }), await open("two", { q: unit([-3, 0], [1, 0]), k: four })];
    expect(await texts("zero-result", apart, CAT)).toEqual([]);
  });
});

describe("lost-adapter", () => {
  it("is by the rule of the sentence at a merge's end: a direction that the result hardly has, whatever the size", async () => {
    // Rank 1 is the larger one's direction: nothing is left of the smaller, which is no 20 times smaller.
    const made = await report(await right(), { ...CAT, method: "svd", target: { kind: "rank", rank: 1 } });
    expect(made.warnings.filter(({ id }) => id === "lost-adapter")).toEqual([
      {
        id: "lost-adapter",
        text: "three is practically lost: the result has cosine 0.000 with it.",
        adapter: "three",
      },
    ]);
    expect(lossShown(made)).toContain("Practically lost: three");
    // Where everything is lost, that is said instead.
    const none = await report(await right(), { ...CAT, scale: 1e-60 });
    expect(none.warnings.map(({ id }) => id)).not.toContain("lost-adapter");
  });

  it("compares with the adapters that change something", async () => {
    // 20 is 20 times 1; with the zero adapter in the mean it would be 10 times.
    const at = (row: number, size: number) => {
      const values = [0, 0, 0];
      values[row] = size;
      return unit(values, [1, 0, 0]);
    };
    const adapters = [
      await open("large", { q: at(0, 20) }),
      await open("small", { q: at(1, 0.9) }),
      await open("nothing", { q: unit([1, 1, 1], [0, 0, 0]) }),
    ];
    expect(await texts("lost-adapter", adapters, CAT)).toEqual([expect.stringMatching(/^small is practically lost/)]);
  });
});

describe("weights-idle", () => {
  it("goes by all modules", async () => {
    const adapters = [await open("one", { q: three, k: three }), await open("two", { q: four, k: four })];
    const full = { ...LEGO, target: { kind: "rank", rank: 2 } } as const;
    const idle = (recipe: Recipe, of = adapters) => texts("weights-idle", of, recipe);
    // Every unit is its own cluster, and one of the modules has weights that differ.
    const differing = { moduleWeights: [{ match: "k", weights: [1, 2] }] };
    expect(await idle({ ...full, ...differing })).toEqual([expect.stringContaining("every unit is its own cluster")]);
    // A module with one adapter beside one with two equal weights: nothing to be idle.
    expect(await idle({ ...full, moduleWeights: [{ match: "q", weights: [2, 0] }] })).toEqual([]);
    // One adapter, with a weight in one of its modules.
    const single = [adapters[0]!];
    expect(await idle({ ...LEGO, moduleWeights: [{ match: "k", weights: [2] }] }, single)).toEqual([
      expect.stringContaining("there is one adapter"),
    ]);
    // Units join in one of the modules: there the weights act.
    const alike = [
      await open("one", { q: three, k: three }),
      await open("two", { q: four, k: unit([3, 0.1], [1, 0]) }),
    ];
    const some = { ...LEGO, target: { kind: "rank", rank: 1 } } as const;
    expect(await idle({ ...some, weights: [1, 2] }, alike)).toEqual([]);
  });
});
