import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { VERSION } from "../../src/core/version.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import type { LegoOptions } from "../../src/methods/lego/options.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { nextMerges } from "../../src/report/next-merges.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { openPico, type PicoAdapter, type PicoModule } from "../support/pico.ts";

const report = async (adapters: readonly Adapter[], recipe: Recipe = {}): Promise<MergeReport> =>
  (await mergeInMemory(adapters, recipe)).report;

const open = (
  name: string,
  modules: Readonly<Record<string, PicoModule>>,
  config = {},
  extra: Partial<PicoAdapter> = {},
) => openPico(name, { modules, config, ...extra });

/** A module of rank 1: delta = b a^T. */
const unit = (a: readonly number[], b: readonly number[]): PicoModule => ({ A: [a], B: b.map((value) => [value]) });

/** Deltas [[3, 0], [0, 0]] and [[0, 0], [0, 4]], at right angles. */
const three = unit([3, 0], [1, 0]);
const four = unit([0, 4], [0, 1]);
const right = async (config = {}) => [
  await open("three", { q: three }, config),
  await open("four", { q: four }, config),
];

const LEGO = { method: "lego" } as const;
const RANK_1 = { ...LEGO, target: { kind: "rank", rank: 1 } } as const;
const CAT = { method: "cat" } as const;

/** Numbers as near as f32 arithmetic brings them. */
function near(found: number | null, expected: number): void {
  expect(found).not.toBeNull();
  expect(Math.abs(found! - expected)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)));
}

describe("figures of a module", () => {
  it("of a sum of two deltas at right angles, by hand", async () => {
    const { modules, totals } = await report(await right(), CAT);
    for (const { normRatio, cosines, energy } of [modules[0]!, totals]) {
      // |sum| = 5, the mean norm 3.5; <sum, D_0> = 9 = |sum| 3 cos.
      near(normRatio, 5 / 3.5);
      near(cosines[0]!, 9 / 15);
      near(cosines[1]!, 16 / 20);
      near(energy, 1);
    }
    expect(modules[0]).toMatchObject({ rank: 2, inertia: null, shareOfB: null, clusters: null });
  });

  it("of a dense delta that was cut: residual, by hand, over all modules too", async () => {
    const dense = async (name: string, delta: PicoModule) =>
      open(name, { p: delta, q: three }, { r: 2, rank_pattern: { q: 1 }, alpha_pattern: { q: 2 }, lora_alpha: 2 });
    // p: diag(3, 4), cut to 4: 3 of 5 is lost. q: rank 1, nothing is lost. Over both: 3 of sqrt(25 + 36), as q has alpha / r = 2.
    const diagonal = {
      A: [
        [3, 0],
        [0, 4],
      ],
      B: [
        [1, 0],
        [0, 1],
      ],
    };
    const { modules, totals } = await report([await dense("one", diagonal)], {
      ...RANK_1,
      method: "ties_svd",
      options: { density: 1 },
    });
    near(modules[0]!.residual, 3 / 5);
    expect(modules[1]!.residual).toBeLessThan(1e-6);
    near(totals.residual, 3 / Math.sqrt(25 + 36));
    expect((await report(await right(), CAT)).totals.residual).toBeNull();
    const zero = await open("zero", { q: unit([1, 1], [0, 0]) });
    expect((await report([zero], { ...RANK_1, method: "ties_svd" })).totals.residual).toBe(0);
  });

  it("of a weighted sum: energy is with the weighted sum of the inputs", async () => {
    const { modules } = await report(await right(), { ...CAT, weights: [2, -1] });
    // 2 D_0 - D_1 has the norm sqrt(36 + 16).
    const norm = Math.sqrt(52);
    near(modules[0]!.normRatio, norm / 3.5);
    near(modules[0]!.cosines[0]!, 18 / (3 * norm));
    near(modules[0]!.cosines[1]!, -16 / (4 * norm));
    near(modules[0]!.energy, 1);
  });

  it("of one lego cluster, by hand", async () => {
    const { modules, totals } = await report(await right(), RANK_1);
    // Centre (1.5, 2 | 0.5, 0.5), its largest entry 2, the members' 3 and 4: times 1.75. Then a = (2.625, 3.5) and
    // b = (0.875, 0.875), so that <delta, D_0> = 0.875 * 2.625 * 3, and for D_1 0.875 * 3.5 * 4.
    const norm = Math.sqrt((2.625 ** 2 + 3.5 ** 2) * 2 * 0.875 ** 2);
    const [first, second] = [0.875 * 2.625 * 3, 0.875 * 3.5 * 4];
    for (const { normRatio, cosines, energy, inertia, shareOfB } of [modules[0]!, totals]) {
      near(normRatio, norm / 3.5);
      near(cosines[0]!, first / (norm * 3));
      near(cosines[1]!, second / (norm * 4));
      near(energy, ((first + second) / (norm * 5)) ** 2);
      // Each unit is (1.5, 2 | 0.5, 0.5) away from the centre.
      near(inertia, 2 * (2.25 + 4 + 0.25 + 0.25));
      near(shareOfB, 2 / 27);
    }
    expect(modules[0]!.rank).toBe(1);
    expect(modules[0]!.clusters).toEqual([
      {
        members: [
          [0, 0],
          [1, 0],
        ],
        reweight: expect.closeTo(1.75, 6),
      },
    ]);
    expect(totals).toMatchObject({ modules: 1, rank: 1, dtype: "f32", singles: 0, largestCluster: 2 });
  });

  it("count a scale that all inputs share, whether it is left out of the factors or folded in", async () => {
    // Scale 2 stays beside the factors; 2.25 is no whole alpha and is folded in.
    for (const scale of [2, 2.25]) {
      const { modules } = await report(await right({ lora_alpha: scale }), RANK_1);
      const plain = (await report(await right(), RANK_1)).modules[0]!;
      near(modules[0]!.inertia, scale * plain.inertia!);
      near(modules[0]!.normRatio, plain.normRatio!);
      near(modules[0]!.cosines[0]!, plain.cosines[0]!);
      near(modules[0]!.energy, plain.energy!);
      near(modules[0]!.shareOfB, plain.shareOfB!);
    }
  });

  it.each([
    ["euclidean", 4],
    ["delta", 16],
    ["manhattan", 2],
    ["transport", 4],
    ["cosine", 1],
  ])("count inertia by %s in the units' own size: a shared scale of 4 multiplies it by %d", async (metric, factor) => {
    const options = { metric } as Partial<LegoOptions>;
    const inertia = async (scale: number) =>
      (await report(await right({ lora_alpha: scale }), { ...RANK_1, options })).modules[0]!.inertia!;
    near(await inertia(4), factor * (await inertia(1)));
    // 4.5 is no whole alpha and is folded in.
    near(await inertia(4.5), 4.5 ** Math.log2(Math.sqrt(factor)) * (await inertia(1)));
  });

  it("warn of units that become zero in a small type, and of modules that are zero everywhere", async () => {
    const faint = unit([1e-9, 0], [1, 0]);
    const nothing = unit([1, 1], [0, 0]);
    const { warnings } = await report([await open("a", { q: faint, z: nothing })], { ...LEGO, dtype: "f16" });
    const texts = new Map(warnings.map(({ id, text }) => [id, text]));
    expect(texts.get("underflow")).toMatch(/^1 units are too small for f16/);
    expect(texts.get("zero-modules")).toMatch(/^1 of 2 modules change nothing/);
    const bf16 = await report([await open("a", { q: faint })], { ...LEGO, dtype: "bf16" });
    expect(bf16.warnings).toEqual([]);
  });

  it("see differing scales of the inputs", async () => {
    const adapters = [
      await open("three", { q: three }, { lora_alpha: 2 }),
      await open("four", { q: four }, { lora_alpha: -0.5 }),
    ];
    const { modules } = await report(adapters, CAT);
    // Deltas of norm 6 and 2 now.
    near(modules[0]!.normRatio, Math.sqrt(40) / 4);
    near(modules[0]!.cosines[0]!, 6 / Math.sqrt(40));
    near(modules[0]!.cosines[1]!, 2 / Math.sqrt(40));
  });

  it("see lambda, which scales the merged delta alone", async () => {
    const { modules, totals } = await report(await right(), { ...CAT, scale: -0.5 });
    for (const { normRatio, cosines, energy } of [modules[0]!, totals]) {
      near(normRatio, 2.5 / 3.5);
      near(cosines[0]!, -9 / 15);
      near(energy, 1);
    }
  });

  it("are null where they are not defined", async () => {
    const adapters = [
      await open("one", { q: three, k: three, zero: unit([1, 1], [0, 0]) }),
      await open("two", { q: unit([1, 1], [0, 0]), zero: unit([1, 1], [0, 0]) }),
    ];
    const { modules, totals } = await report(adapters, CAT);
    const [k, q, zero] = modules as [(typeof modules)[0], (typeof modules)[0], (typeof modules)[0]];
    expect(k).toMatchObject({ name: "k", inputRanks: [1, null], rank: 1, normRatio: 1, cosines: [1, null], energy: 1 });
    expect(q).toMatchObject({ name: "q", inputRanks: [1, 1], rank: 1, normRatio: 1, cosines: [1, null], energy: 1 });
    expect(q.dead).toEqual([[1, 0]]);
    const nothing = { rank: 0, normRatio: null, cosines: [null, null], energy: null };
    expect(zero).toMatchObject({ name: "zero", inputRanks: [1, 1], ...nothing });
    expect(zero.dead).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(totals).toMatchObject({ normRatio: 1, cosines: [1, null], energy: 1 });
  });

  it("of a result that cancels are 0 and null", async () => {
    const adapters = [await open("one", { q: three }), await open("same", { q: three })];
    const { modules } = await report(adapters, { ...CAT, weights: [1, -1] });
    expect(modules[0]).toMatchObject({ normRatio: 0, cosines: [null, null], energy: null });
  });

  it("are those of the whole adapters in the totals: products add up over modules", async () => {
    const adapters = [
      await open("one", { q: three, k: unit([4, 0], [1, 0]) }),
      await open("two", { q: unit([6, 0], [1, 0]), k: unit([0, 8], [0, 1]) }),
    ];
    const { modules, totals } = await report(adapters, CAT);
    // Norms 5 and 10; the sum is 9 in q and (4, 8) in k.
    const norm = Math.sqrt(81 + 16 + 64);
    near(totals.normRatio, norm / 7.5);
    near(totals.cosines[0]!, (3 * 9 + 16) / (5 * norm));
    near(totals.cosines[1]!, (6 * 9 + 64) / (10 * norm));
    near(modules[1]!.cosines[0]!, 1);
    expect(totals.modules).toBe(2);
  });

  it("add inertia up, average B's share, and count single clusters over modules", async () => {
    const adapters = [
      await open(
        "one",
        {
          k: three,
          q: {
            A: [
              [3, 0],
              [30, 0],
            ],
            B: [
              [1, 0],
              [0, 1],
            ],
          },
        },
        { rank_pattern: { q: 2 }, alpha_pattern: { q: 2 } },
      ),
      await open("two", { k: four, q: unit([3, 1], [1, 0]) }),
    ];
    const { modules, totals } = await report(adapters, {
      ...LEGO,
      rankLayout: "pattern",
      target: { kind: "rank", rank: 2 },
    });
    expect(modules.map(({ clusters }) => clusters!.map(({ members }) => members.length).sort())).toEqual([
      [1, 1],
      [1, 2],
    ]);
    expect(totals.singles).toBe(3 / 4);
    expect(totals.largestCluster).toBe(2);
    near(totals.inertia, modules[0]!.inertia! + modules[1]!.inertia!);
    near(modules[1]!.inertia, 0.5);
    // 2 / 27 in k; in q b is 3 of 9 + 900 + 10 and those 3.
    near(totals.shareOfB, (2 / 27 + 3 / 922) / 2);
  });

  it("leave modules without live units out of B's share", async () => {
    const zero = unit([1, 1], [0, 0]);
    const adapters = [await open("one", { k: three, z: zero }), await open("two", { k: four, z: zero })];
    const { modules, totals } = await report(adapters, RANK_1);
    expect(modules[1]!.shareOfB).toBeNull();
    near(totals.shareOfB, 2 / 27);
  });
});

describe("a report", () => {
  it("names tool, inputs, options and what was carried and skipped, in the user's order", async () => {
    const config = { base_model_name_or_path: "org/base", mystery: 1 };
    const extras = { "base_model.model.score.weight": [1], "base_model.model.q.base_layer.weight": [1] };
    const adapters = [
      await open("b", { q: three }, config, { extras }),
      await open("a", { q: four, k: three }, { base_model_name_or_path: "org/base" }),
    ];
    const found = await report(adapters, { extras: "first", weights: [1, 2], method: "cat", scale: 0.5, dtype: "f16" });
    expect(found).toMatchObject({
      version: 1,
      tool: `lora-lego ${VERSION}`,
      inputs: [
        { name: "b", sha256: null, weight: 1, baseModel: "org/base", modules: 1, unknownFields: ["mystery"] },
        { name: "a", sha256: null, weight: 2, baseModel: "org/base", modules: 2, unknownFields: [] },
      ],
      options: { method: "cat", target: { kind: "full" }, scale: 0.5, dtype: "f16", rankLayout: "uniform" },
      skipped: ["b: base_model.model.q.base_layer.weight"],
      carried: ["base_model.model.score.weight"],
    });
    expect(found.modules.map(({ name, kind, in: inputs, out }) => [name, kind, inputs, out])).toEqual([
      ["k", "linear", 2, 2],
      ["q", "linear", 2, 2],
    ]);
  });

  it("lists what was left out of those that take part: tensors of theirs, and modules with the reason", async () => {
    const extras = { "base_model.model.q.base_layer.weight": [1] };
    const adapters = [
      await open("kept", { q: three, k: three }),
      await open("gone", { q: three }, {}, { extras }),
      await open("beside", { q: four }, {}, { extras: { "base_model.model.score.weight": [1] } }),
    ];
    const { skipped, carried } = await report(adapters, { ...CAT, weights: [1, 0, 1], extras: "drop", exclude: ["k"] });
    expect(skipped).toEqual(["beside: base_model.model.score.weight", "k: left out by exclude k"]);
    expect(carried).toEqual([]);
  });

  it("keeps indices of inputs that are left out", async () => {
    const adapters = [await open("gone", { q: three }), await open("kept", { q: four })];
    const { modules, inputs } = await report(adapters, { ...LEGO, weights: [0, 1] });
    expect(inputs.map(({ weight }) => weight)).toEqual([0, 1]);
    expect(modules[0]).toMatchObject({ inputRanks: [null, 1], cosines: [null, 1], normRatio: 1, energy: 1 });
    expect(modules[0]!.clusters).toEqual([{ members: [[1, 0]], reweight: 1 }]);
  });

  it("fits its schema, and survives JSON", async () => {
    const found = await report(await right(), RANK_1);
    const copy = JSON.parse(JSON.stringify(found));
    expect(copy).toEqual(found);
    const schema = z.fromJSONSchema(
      JSON.parse(readFileSync(new URL("../../docs/report.schema.json", import.meta.url), "utf8")),
    );
    expect(schema.parse(copy)).toEqual(found);
    expect(schema.safeParse({ ...copy, more: 1 }).success).toBe(false);
    expect(schema.safeParse({ ...copy, totals: { ...copy.totals, rank: 1.5 } }).success).toBe(false);
  });

  it("tells the size of the file, and spends its time where it says", async () => {
    const { report: found, weights } = await mergeInMemory(await right(), RANK_1);
    expect(found.totals.bytes).toBe(weights.length);
    for (const seconds of Object.values(found.timings)) expect(seconds).toBeGreaterThanOrEqual(0);
    expect(found.timings.hash).toBe(0);
  });
});

describe("warnings", () => {
  const ids = async (adapters: readonly Adapter[], recipe: Recipe = {}): Promise<string[]> =>
    (await report(adapters, recipe)).warnings.map(({ id }) => id);
  const textOf = async (id: string, adapters: readonly Adapter[], recipe: Recipe = {}): Promise<string> =>
    (await report(adapters, recipe)).warnings.find((warning) => warning.id === id)!.text;

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
    // One rank for two unrelated adapters leaves no room for the smaller one either: one remedy for both. Without it, auto takes two.
    const auto = await report(await right(), { target: { kind: "rank", rank: 1 } });
    expect((await report(await right(), {})).warnings).toEqual([]);
    expect(auto.warnings.map(({ id, fix }) => [id, fix?.rank])).toEqual([
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
    expect(await ids(four, CAT)).toEqual(["same-adapter", "same-adapter", "same-adapter"]);
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
    expect(await textOf("b-ignored", await faint(0.13), RANK_1)).toMatch(/1\.7%.*the balanced gauge/);
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
