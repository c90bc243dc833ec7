import { describe, expect, it } from "vitest";
import { patternLookup } from "../../src/adapter/pattern.ts";
import { parseHeader } from "../../src/formats/safetensors/header.ts";
import type { MergePlan } from "../../src/plan/merge-plan.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { planLayout } from "../../src/plan/plan-layout.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { filled, keyOf, linear, openPeft } from "../support/memory-folder.ts";
import { adapterOf } from "../support/plan-inputs.ts";

const ranksOf = (plan: MergePlan): Record<string, number> =>
  Object.fromEntries(plan.modules.map(({ name, rank }) => [name, rank]));

describe("the rank asked for", () => {
  it("is named where more was asked for than there is", async () => {
    const adapters = [await adapterOf("one", { q: 4, v: 2 }), await adapterOf("two", { q: 3 })];
    const asked = (rank: number) => makePlan(adapters, { target: { kind: "rank", rank } });
    expect(asked(7)).toMatchObject({ rank: 7, warnings: [] });
    expect(asked(8)).toMatchObject({
      rank: 7,
      warnings: [
        {
          id: "rank-reduced",
          text: "Rank 8 was asked for, but no module has more than 7 units, so that is the rank of the result.",
        },
      ],
    });
  });

  it("is named with what the method takes, where that is less than the adapters have", async () => {
    // floor(min(6, 9) / 2) = 3 of each.
    const wide = async (name: string, rank: number) => openPeft(linear("q", rank, 6, 9), { r: rank }, name);
    const adapters = [await wide("one", 2), await wide("two", 5)];
    const asked = (method: "tsv" | "svd" | "ties_svd" | "lego") =>
      makePlan(adapters, { method, target: { kind: "rank", rank: 7 } });
    expect(asked("tsv")).toMatchObject({
      rank: 5,
      warnings: [
        {
          id: "rank-reduced",
          text: "Rank 7 was asked for, but tsv gives no module of these adapters a rank above 5 (of each adapter it takes at most the module's smaller side divided by the number of adapters), so that is the rank of the result.",
        },
      ],
    });
    for (const method of ["svd", "ties_svd"] as const) {
      expect(asked(method).warnings[0]?.text).toMatch(/^Rank 7 .* but no module has a smaller side above 6, /);
    }
    expect(asked("lego")).toMatchObject({ rank: 7, warnings: [] });
    const equal = [await wide("one", 3), await wide("two", 3)];
    expect(makePlan(equal, { method: "linear", target: { kind: "rank", rank: 4 } }).warnings[0]?.text).toMatch(
      /^Rank 4 .* but linear gives no module of these adapters a rank above 3, /,
    );
  });
});

describe("modules of a plan", () => {
  it("are the union of the inputs' modules in natural order, each with its share of every input", async () => {
    const one = await adapterOf("one", { "layers.10.q": 2, "layers.2.q": 2 });
    const other = await adapterOf("other", { "layers.10.q": 3, "layers.9.q": 3 });
    const plan = makePlan([one, other], {});
    const parts = plan.modules.map(({ name, parts }) => [name, parts.map(({ input, module }) => [input, module.rank])]);
    expect(parts).toEqual([
      ["layers.2.q", [[0, 2]]],
      ["layers.9.q", [[1, 3]]],
      [
        "layers.10.q",
        [
          [0, 2],
          [1, 3],
        ],
      ],
    ]);
    expect(plan.modules[0]).toMatchObject({ kind: "linear", in: 30, out: 40 });
  });

  it("have one rank in the uniform layout: the largest that any module needs", async () => {
    const adapters = [await adapterOf("one", { "l.0.q": 2, "l.1.q": 2 }), await adapterOf("other", { "l.1.q": 3 })];
    const rank = (recipe: Recipe) => makePlan(adapters, recipe).modules.map((module) => module.rank);
    expect(rank({})).toEqual([3, 3]);
    expect(rank({ target: { kind: "rank", rank: 4 } })).toEqual([4, 4]);
    expect(rank({ target: { kind: "rank", rank: 99 } })).toEqual([5, 5]);
    expect(rank({ target: { kind: "share", share: 0.5 } })).toEqual([3, 3]);
    expect(rank({ method: "cat" })).toEqual([5, 5]);
  });

  it("have each its own rank in the pattern layout, written where it is not the largest", async () => {
    const adapters = [await adapterOf("one", { "l.0.q": 2, "l.1.q": 2 }), await adapterOf("other", { "l.1.q": 3 })];
    const plan = makePlan(adapters, { rankLayout: "pattern" });
    expect(ranksOf(plan)).toEqual({ "l.0.q": 2, "l.1.q": 3 });
    expect(plan.rank).toBe(3);
    expect(plan.config).toMatchObject({
      r: 3,
      lora_alpha: 6,
      rank_pattern: { "l.0.q": 2 },
      alpha_pattern: { "l.0.q": 4 },
    });
    expect(makePlan(adapters, {}).config).toMatchObject({ r: 3, rank_pattern: {}, alpha_pattern: {} });
    expect(ranksOf(makePlan(adapters, { rankLayout: "pattern", target: { kind: "share", share: 0.5 } }))).toEqual({
      "l.0.q": 1,
      "l.1.q": 3,
    });
  });

  it("get patterns that PEFT reads as meant, also where one path is the end of another", async () => {
    const ranks = { "0.q": 2, "a.0.q": 3, "b.a.0.q": 4, "c.0.q": 4, "z.b.a.0.q": 1, k: 4 };
    const adapter = await adapterOf("nested", ranks);
    for (const list of [[adapter], [adapter, await adapterOf("other", { k: 4 })]]) {
      const plan = makePlan(list, { rankLayout: "pattern", allowPartial: true });
      const {
        r,
        lora_alpha: alpha,
        rank_pattern: rankPattern,
        alpha_pattern: alphaPattern,
      } = plan.config as {
        r: number;
        lora_alpha: number;
        rank_pattern: Record<string, number>;
        alpha_pattern: Record<string, number>;
      };
      const rankOf = patternLookup(Object.entries(rankPattern), r, "x");
      const alphaOf = patternLookup(Object.entries(alphaPattern), alpha, "x");
      for (const { name, rank } of plan.modules) expect([rankOf(name), alphaOf(name)]).toEqual([rank, 2 * rank]);
      expect(ranksOf(plan)).toMatchObject({ "0.q": 2, "a.0.q": 3, "b.a.0.q": 4, "z.b.a.0.q": 1 });
    }
  });

  it("can be planned at ranks that are known to suffice", async () => {
    const adapter = await adapterOf("one", { "l.0.q": 4, "l.1.q": 4 });
    const known = {
      ranks: new Map([
        ["l.0.q", 1],
        ["l.1.q", 3],
      ]),
    };
    expect(ranksOf(makePlan([adapter], {}, known))).toEqual({ "l.0.q": 3, "l.1.q": 3 });
    expect(ranksOf(makePlan([adapter], { rankLayout: "pattern" }, known))).toEqual({ "l.0.q": 1, "l.1.q": 3 });
  });
});

describe("a plan as data", () => {
  async function richPlan(): Promise<MergePlan> {
    const embedding = [
      filled(keyOf("embed", "lora_embedding_A"), [2, 10]),
      filled(keyOf("embed", "lora_embedding_B"), [3, 2]),
    ];
    const conv = [
      filled(keyOf("conv", "lora_A.weight"), [2, 3, 3, 3]),
      filled(keyOf("conv", "lora_B.weight"), [4, 2, 1, 1]),
    ];
    const one = [
      ...linear("l.0.q"),
      ...embedding,
      ...conv,
      filled(keyOf("head", "weight"), [2, 5]),
      filled(keyOf("ids", "weight"), [3], "I64"),
    ];
    const other = [...linear("l.0.q"), filled(keyOf("head", "weight"), [2, 5], "F16")];
    const adapters = [await openPeft(one, {}, "one"), await openPeft(other, { lora_alpha: 3 }, "other")];
    return makePlan(adapters, { dtype: "f16", extras: "first", weights: [1, 2], rankLayout: "pattern" });
  }

  it("survives structuredClone and JSON unchanged", async () => {
    const plan = await richPlan();
    expect(structuredClone(plan)).toStrictEqual(plan);
    expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(plan);
  });

  it("gives every tensor its own range, all ranges together filling the file behind the header", async () => {
    const plan = await richPlan();
    const { header, size } = planLayout(plan);
    expect(size).toBe(plan.size);
    const ranges = [...plan.modules.flatMap(({ a, b }) => [a, b]), ...plan.extras].toSorted(
      (p, q) => p.begin - q.begin,
    );
    let end = header.byteLength;
    for (const range of ranges) {
      expect(range.begin).toBe(end);
      end = range.end;
    }
    expect(end).toBe(size);
  });

  it("has a header that readers find the same tensors in, in PEFT's keys and shapes", async () => {
    const plan = await richPlan();
    const { header } = planLayout(plan);
    const parsed = parseHeader(header.subarray(8), header.byteLength, plan.size, "out");
    expect(Object.fromEntries(parsed.metadata)).toEqual({ format: "pt" });
    const shapes = Object.fromEntries(
      Array.from(parsed.tensors, ([key, { dtype, shape }]) => [key, [dtype, ...shape]]),
    );
    expect(shapes).toEqual({
      "base_model.model.l.0.q.lora_A.weight": ["F16", 2, 3],
      "base_model.model.l.0.q.lora_B.weight": ["F16", 4, 2],
      "base_model.model.embed.lora_embedding_A": ["F16", 2, 10],
      "base_model.model.embed.lora_embedding_B": ["F16", 3, 2],
      "base_model.model.conv.lora_A.weight": ["F16", 2, 3, 3, 3],
      "base_model.model.conv.lora_B.weight": ["F16", 4, 2, 1, 1],
      "base_model.model.head.weight": ["F32", 2, 5],
      "base_model.model.ids.weight": ["I64", 3],
    });
    for (const { name, a } of plan.modules.slice(0, 1)) {
      expect(parsed.tensors.get(`base_model.model.${name}.lora_A.weight`)).toMatchObject(a);
    }
  });
});
