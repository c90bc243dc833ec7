import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { patternLookup } from "../../src/adapter/pattern.ts";
import type { Dtype } from "../../src/core/dtype.ts";
import { RefusedError, UsageError } from "../../src/core/errors.ts";
import { parseHeader } from "../../src/formats/safetensors/header.ts";
import type { MergePlan } from "../../src/plan/merge-plan.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { planLayout } from "../../src/plan/plan-layout.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { filled, keyOf, linear, openPeft } from "../support/memory-folder.ts";

type Config = Readonly<Record<string, unknown>>;

/** An adapter of linear modules of these ranks, all of scale 2 unless the config says otherwise. */
function adapterOf(
  name: string,
  ranks: Readonly<Record<string, number>>,
  config: Config = {},
  dtype: Dtype = "F32",
): Promise<Adapter> {
  const [rank] = Object.values(ranks) as [number];
  // The first match wins, so that a path must stand before the paths that are its end.
  const entries = Object.entries(ranks).toSorted(([one], [other]) => other.length - one.length);
  const patterns = {
    rank_pattern: Object.fromEntries(entries),
    alpha_pattern: Object.fromEntries(entries.map(([module, r]) => [module, 2 * r])),
  };
  return openPeft(
    Object.entries(ranks).flatMap(([module, r]) => linear(module, r, 30, 40, dtype)),
    { r: rank, lora_alpha: 2 * rank, ...patterns, ...config },
    name,
  );
}

/** An adapter of one linear module "q" of rank 2 and this scale. */
const scaled = (scale: number, name = "scaled"): Promise<Adapter> =>
  openPeft(linear("q"), { r: 2, lora_alpha: 2 * scale }, name);

const ranksOf = (plan: MergePlan): Record<string, number> =>
  Object.fromEntries(plan.modules.map(({ name, rank }) => [name, rank]));

function refused(plan: () => unknown, kind: typeof UsageError | typeof RefusedError, ...parts: string[]): void {
  expect(plan).toThrow(kind);
  for (const part of parts) expect(plan).toThrow(part);
}

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

describe("the output's scale", () => {
  it("is the inputs' own where they share one and alpha is whole", async () => {
    const plan = makePlan([await scaled(2), await scaled(2)], {});
    expect(plan.sharedScale).toBe(2);
    expect(plan.config).toMatchObject({ r: 2, lora_alpha: 4, use_rslora: false });
    expect(makePlan([await scaled(1.5)], {}).config).toMatchObject({ r: 2, lora_alpha: 3 });
    expect(makePlan([await scaled(-2)], {}).config).toMatchObject({ r: 2, lora_alpha: -4 });
  });

  it("is whole where alpha was, though the quotient is not exact", async () => {
    for (const alpha of [32, 1e15 + 1, -5]) {
      const adapter = await openPeft(linear("q", 7, 8, 9), { r: 7, lora_alpha: alpha });
      expect(makePlan([adapter], {}).config).toMatchObject({ r: 7, lora_alpha: alpha });
    }
  });

  it("is folded in, alpha = rank, where scales differ, one is no whole alpha at the rank written, or all are 0", async () => {
    for (const adapters of [[await scaled(2), await scaled(3)], [await scaled(1.25)], [await scaled(0)]]) {
      const plan = makePlan(adapters, {});
      expect(plan.sharedScale).toBeNull();
      expect(plan.config).toMatchObject({ r: 2, lora_alpha: 2 });
    }
    // An alpha that only rounds to a whole number would change the scale; one that rounds to 0 would lose the delta.
    for (const scale of [1e-12, 0.5 + 1e-9, 1e9 + 1 / 3])
      expect(makePlan([await scaled(scale)], {}).sharedScale).toBeNull();
    const half = { r: 2, lora_alpha: 3 };
    const odd = makePlan([await openPeft(linear("q"), half)], { target: { kind: "rank", rank: 1 } });
    expect(odd.sharedScale).toBeNull();
    expect(odd.config).toMatchObject({ r: 1, lora_alpha: 1 });
  });

  it("must be whole at every rank of the pattern layout", async () => {
    const plan = async (second: number) => {
      const ranks = { "l.0.q": 4, "l.1.q": second };
      const alphas = { alpha_pattern: { "l.0.q": 6, "l.1.q": 1.5 * second } };
      return makePlan([await adapterOf("x", ranks, alphas)], {
        rankLayout: "pattern",
        target: { kind: "rank", rank: 4 },
      });
    };
    expect((await plan(2)).config).toMatchObject({ r: 4, lora_alpha: 6, alpha_pattern: { "l.1.q": 3 } });
    expect((await plan(3)).config).toMatchObject({ r: 4, lora_alpha: 4, alpha_pattern: { "l.1.q": 3 } });
    expect((await plan(2)).sharedScale).toBe(1.5);
    expect((await plan(3)).sharedScale).toBeNull();
  });

  it("and dtype do not look at adapters that are left out", async () => {
    const other = await openPeft(linear("q", 2, 3, 4, "F16"), { lora_alpha: 10 });
    const plan = makePlan([await scaled(2), other], { weights: [1, 0] });
    expect([plan.sharedScale, plan.dtype]).toEqual([2, "F32"]);
    const turned = makePlan([await scaled(2), other], { weights: [0, 1] });
    expect([turned.sharedScale, turned.dtype]).toEqual([5, "F16"]);
  });
});

describe("dtype", () => {
  const plan = async (dtypes: readonly Dtype[], recipe: Recipe = {}) =>
    makePlan(await Promise.all(dtypes.map((dtype, i) => adapterOf(`a${i}`, { q: 2 }, {}, dtype))), recipe).dtype;

  it("auto keeps f16 and bf16 where all factors are stored so, and is f32 else", async () => {
    expect(await plan(["F16", "F16"])).toBe("F16");
    expect(await plan(["BF16"])).toBe("BF16");
    for (const mixed of [["F16", "BF16"], ["F16", "F32"], ["F64"], ["F8_E4M3", "F8_E4M3"], ["F32"]] as const) {
      expect(await plan(mixed)).toBe("F32");
    }
    const [a, b] = [linear("q", 2, 3, 4, "F16")[0]!, linear("q", 2, 3, 4, "F32")[1]!];
    expect(makePlan([await openPeft([a, b])], {}).dtype).toBe("F32");
  });

  it("is what the recipe says otherwise", async () => {
    expect(await plan(["F16"], { dtype: "f32" })).toBe("F32");
    expect(await plan(["F32"], { dtype: "bf16" })).toBe("BF16");
    expect(await plan(["F32"], { dtype: "f16" })).toBe("F16");
  });
});

describe("the output's config", () => {
  it("has these fields and nothing else", async () => {
    const adapter = await adapterOf(
      "one",
      { q: 2 },
      {
        base_model_name_or_path: "org/base",
        task_type: "CAUSAL_LM",
        revision: "main",
        lora_dropout: 0.1,
        mystery: 1,
      },
    );
    expect(makePlan([adapter], {}).config).toEqual({
      peft_type: "LORA",
      task_type: "CAUSAL_LM",
      base_model_name_or_path: "org/base",
      r: 2,
      lora_alpha: 4,
      lora_dropout: 0,
      bias: "none",
      target_modules: ["q"],
      fan_in_fan_out: false,
      use_rslora: false,
      use_dora: false,
      rank_pattern: {},
      alpha_pattern: {},
      modules_to_save: null,
      inference_mode: true,
    });
  });

  it("unites target_modules where all inputs have plain lists, and names full paths else", async () => {
    const ranks = { "l.0.q": 2, "l.1.q": 2 };
    const list = await adapterOf("list", ranks, { target_modules: ["v", "q"] });
    const targets = async (config: Config) =>
      makePlan([list, await adapterOf("other", ranks, config)], {}).config.target_modules;
    expect(await targets({ target_modules: ["q", "k"] })).toEqual(["k", "q", "v"]);
    const full = ["l.0.q", "l.1.q"];
    expect(await targets({ target_modules: ".*q" })).toEqual(full);
    expect(await targets({ target_modules: ["q"], exclude_modules: ["l.2.q"] })).toEqual(full);
    expect(await targets({ target_modules: ["q"], layers_to_transform: [0, 1] })).toEqual(full);
    expect(await targets({ target_modules: [] })).toEqual(["q", "v"]);
    const partial = await adapterOf("partial", ranks, { target_modules: ["l.0.q"] });
    expect(makePlan([partial], {}).config.target_modules).toEqual(full);
  });

  it("names the first base, no task and true for fan_in_fan_out where inputs differ, each with a warning", async () => {
    const one = await adapterOf(
      "one",
      { q: 2 },
      { base_model_name_or_path: "a/x", task_type: "CAUSAL_LM", fan_in_fan_out: false },
    );
    const other = await adapterOf(
      "other",
      { q: 2 },
      { base_model_name_or_path: "b/y", task_type: "SEQ_CLS", fan_in_fan_out: true },
    );
    const { config, warnings } = makePlan([one, other], {});
    expect(config).toMatchObject({ base_model_name_or_path: "a/x", task_type: null, fan_in_fan_out: true });
    expect(warnings.map(({ id }) => id)).toEqual(["different-base", "different-task", "different-fan"]);
    expect(warnings[0]!.text).toContain("(a/x, b/y); the shapes of the modules that they share agree");
    expect(warnings[1]!.text).toContain("CAUSAL_LM, SEQ_CLS");
  });

  it("says of adapters of different bases that they have no module in common", async () => {
    const one = await adapterOf("one", { q: 2 }, { base_model_name_or_path: "a/x", target_modules: ["q"] });
    const other = await adapterOf("other", { v: 2 }, { base_model_name_or_path: "b/y", target_modules: ["v"] });
    const { warnings } = makePlan([one, other], { allowPartial: true });
    expect(warnings.map(({ text }) => text).join()).toContain("(a/x, b/y); they have no module in common");
  });

  it("does not look at adapters that are left out", async () => {
    const one = await adapterOf("one", { q: 2 }, { base_model_name_or_path: "a/x", target_modules: ["q"] });
    const gone = await adapterOf("gone", { q: 2 }, { base_model_name_or_path: "b/y", target_modules: ["k"] });
    const { config, warnings } = makePlan([gone, one], { weights: [0, 1] });
    expect(config).toMatchObject({ base_model_name_or_path: "a/x", target_modules: ["q"] });
    expect(warnings.map(({ id }) => id)).toEqual(["left-out"]);
  });

  it("takes the base and the task from those that name one, without a warning", async () => {
    const silent = await adapterOf("silent", { q: 2 });
    const named = await adapterOf("named", { q: 2 }, { base_model_name_or_path: "a/x", task_type: "CAUSAL_LM" });
    const { config, warnings } = makePlan([silent, named], {});
    expect(config).toMatchObject({ base_model_name_or_path: "a/x", task_type: "CAUSAL_LM" });
    expect(warnings).toEqual([]);
  });

  it("lists the modules of kept extras, by the name that modules_to_save has, and biases not at all", async () => {
    const extra = (key: string) => filled(`base_model.model.${key}`, [2]);
    const saved = async (keys: readonly string[], config: Config = {}) =>
      makePlan([await openPeft([...linear("q"), ...keys.map(extra)], config)], {}).config.modules_to_save;
    expect(await saved(["score.weight"])).toEqual(["score"]);
    const head = ["classifier.out_proj.weight", "classifier.dense.weight", "classifier.dense.bias"];
    expect(await saved(head, { modules_to_save: ["classifier"] })).toEqual(["classifier"]);
    expect(await saved(head, { modules_to_save: ["model.classifier"] })).toEqual([
      "classifier.dense",
      "classifier.out_proj",
    ]);
    expect(await saved(["model.head.proj.weight"], { modules_to_save: ["model.head"] })).toEqual(["model.head"]);
    // Full paths: "dense" alone would wrap every dense layer of an encoder.
    expect(await saved(head)).toEqual(["classifier.dense", "classifier.out_proj"]);
    expect(await saved(["log_scale"])).toBeNull();
    expect(await saved(["layers.0.q.bias", "layers.0.norm.bias"])).toBeNull();
  });
});

describe("weights", () => {
  it("are checked: their number, that they are finite, that one is not 0", async () => {
    const adapters = [await scaled(2, "one"), await scaled(2, "other")];
    const plan = (recipe: Recipe) => () => makePlan(adapters, recipe);
    refused(plan({ weights: [1] }), UsageError, "2 adapters but 1 weight");
    refused(plan({ weights: [1, Number.NaN] }), UsageError, "finite");
    refused(plan({ weights: [1, Number.POSITIVE_INFINITY] }), UsageError, "finite");
    refused(plan({ scale: Number.NaN }), UsageError, "finite");
    refused(plan({ weights: [0, 0] }), UsageError, "All weights are 0");
    refused(plan({ scale: 0 }), UsageError, "The scale is 0");
    refused(() => makePlan([], {}), UsageError, "nothing to merge");
  });

  it("of lego are relative and never negative, those of cat may be", async () => {
    const adapters = [await scaled(2, "one"), await scaled(2, "other")];
    refused(() => makePlan(adapters, { method: "lego", weights: [1, -1] }), UsageError, "other has -1", "--method cat");
    expect(makePlan(adapters, { method: "cat", weights: [1, -1] }).inputs).toEqual([
      { name: "one", weight: 1 },
      { name: "other", weight: -1 },
    ]);
  });

  it("of average may not sum to 0", async () => {
    const adapters = [await scaled(2), await scaled(2)];
    refused(() => makePlan(adapters, { method: "average", weights: [1, -1] }), UsageError, "sum to 0");
    makePlan(adapters, { method: "average", weights: [2, -1] });
  });

  it("of 0 leave an adapter out, whether it fits or not, and say so", async () => {
    const stranger = await openPeft(
      [...linear("q", 9, 5, 5), ...linear("other")],
      { r: 9, rank_pattern: { other: 2 } },
      "stranger",
    );
    const one = await scaled(2, "one");
    refused(() => makePlan([one, stranger], {}), RefusedError, "one and stranger");
    const plan = makePlan([one, stranger], { weights: [1, 0] });
    expect(plan.modules.map(({ name }) => name)).toEqual(["q"]);
    expect(plan.modules[0]!.parts.map(({ input }) => input)).toEqual([0]);
    expect(plan.rank).toBe(2);
    expect(plan.inputs).toHaveLength(2);
    expect(plan.warnings).toEqual([{ id: "left-out", text: expect.stringContaining("stranger has weight 0") }]);
  });

  it("are 1 each where none are given", async () => {
    expect(makePlan([await scaled(2), await scaled(2)], {}).inputs.map(({ weight }) => weight)).toEqual([1, 1]);
  });
});

describe("a recipe", () => {
  it("stands at the defaults of its method where it says nothing", async () => {
    expect(makePlan([await scaled(2)], { method: "lego" })).toMatchObject({
      method: "lego",
      target: { kind: "rank", rank: 2 },
      scale: 1,
      rankLayout: "uniform",
      options: { gauge: "raw", sign: "none", centre: "mean", reweight: "linf", outputReweight: true, seed: 0 },
    });
  });

  it("has the method that auto chooses where it names none", async () => {
    const adapters = [await scaled(2, "one"), await scaled(2, "two"), await scaled(2, "three")];
    for (const count of [1, 2, 3]) {
      const some = adapters.slice(0, count);
      expect(makePlan(some, {})).toEqual(makePlan(some, { method: "auto" }));
    }
  });

  it("changes the options that it names and no others", async () => {
    const { options } = makePlan([await scaled(2)], { method: "lego", options: { gauge: "svd", seed: 7 } });
    expect(options).toMatchObject({ gauge: "svd", seed: 7, sign: "none", centre: "mean" });
  });

  it("cuts dense deltas to the rank asked for, their smaller side at most, and refuses to keep all", async () => {
    const adapters = [await adapterOf("one", { q: 2 }), await adapterOf("other", { q: 1 })];
    const method = "ties_svd";
    expect(makePlan(adapters, { method } as Recipe).rank).toBe(2);
    const plan = makePlan(adapters, { method, target: { kind: "rank", rank: 64 } });
    expect(plan.rank).toBe(30);
    const full = { method, target: { kind: "full" } } as const;
    refused(() => makePlan(adapters, full), UsageError, "ties_svd", "pass the rank to cut them to");
  });

  it.each(["cat", "average"])("keeps the sum of the ranks for %s unless a rank is asked for", async (method) => {
    const adapters = [await scaled(2), await scaled(2)];
    expect(makePlan(adapters, { method } as Recipe).target).toEqual({ kind: "full" });
    expect(makePlan(adapters, { method } as Recipe).rank).toBe(4);
    expect(makePlan(adapters, { method, target: { kind: "rank", rank: 1 } } as Recipe).rank).toBe(1);
    expect(makePlan(adapters, { method, target: { kind: "share", share: 0.5 } } as Recipe).rank).toBe(2);
    // Energy is known only from the values.
    const energy = { kind: "energy", rule: "sv_fro", threshold: 0.9 } as const;
    expect(makePlan(adapters, { method, target: energy } as Recipe).rank).toBe(4);
  });

  it.each([
    { kind: "rank", rank: 0 },
    { kind: "rank", rank: -1 },
    { kind: "rank", rank: 1.5 },
    { kind: "rank", rank: Number.NaN },
    { kind: "share", share: 0 },
    { kind: "share", share: 1.1 },
    { kind: "share", share: Number.NaN },
    { kind: "energy", rule: "sv_ratio", threshold: 0.5 },
    { kind: "energy", rule: "sv_ratio", threshold: Number.POSITIVE_INFINITY },
    { kind: "energy", rule: "sv_cumulative", threshold: 0 },
    { kind: "energy", rule: "sv_fro", threshold: 1.1 },
  ] as const)("cannot ask for %j", async (target) => {
    const adapter = await scaled(2);
    refused(() => makePlan([adapter], { target }), UsageError, "must be");
  });

  it("names a step that there is", async () => {
    const adapters = [await scaled(2)];
    expect(makePlan(adapters, {}).after).toBeNull();
    expect(makePlan(adapters, { after: "svc" }).after).toBe("svc");
    refused(() => makePlan(adapters, { after: "svd" as "svc" }), UsageError, 'after is "svd", but must be one of svc');
  });

  it("names a method that there is", async () => {
    const adapter = await scaled(2);
    refused(
      () => makePlan([adapter], { method: "magic" } as unknown as Recipe),
      UsageError,
      'no method "magic"',
      "lego, cat, average",
    );
  });

  it("may allow partial sets", async () => {
    const adapters = [await adapterOf("one", { "l.0.q": 2 }), await adapterOf("other", { "l.1.q": 2 })];
    refused(() => makePlan(adapters, {}), RefusedError, "--allow-partial");
    expect(makePlan(adapters, { allowPartial: true }).modules).toHaveLength(2);
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
