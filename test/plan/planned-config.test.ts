import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import type { Dtype } from "../../src/core/dtype.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { filled, linear, openPeft } from "../support/memory-folder.ts";
import { adapterOf, type Config, scaled } from "../support/plan-inputs.ts";

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

  it("names the base of the adapter with the deepest layer, and says that depths differ", async () => {
    const of = (name: string, layers: number, base?: string): Promise<Adapter> =>
      adapterOf(
        name,
        Object.fromEntries(Array.from({ length: layers }, (_, layer) => [`l.${layer}.q`, 2])),
        base === undefined ? {} : { base_model_name_or_path: base },
      );
    const [deep, flat] = [await of("deep", 4, "gpt2"), await of("flat", 2, "acme/distilgpt2")];
    for (const pair of [
      [deep, flat],
      [flat, deep],
    ]) {
      const { config, warnings } = makePlan(pair, { allowPartial: true });
      expect(config).toMatchObject({ base_model_name_or_path: "gpt2" });
      expect(warnings.find(({ id }) => id === "different-base")!.text).toContain(
        "a PEFT folder names gpt2, that of the adapter with the deepest layer: they differ in depth, and flat ends earlier.",
      );
    }
    // Nothing says which model has four layers.
    const { config, warnings } = makePlan([await of("unnamed", 4), flat, await of("flatter", 1, "acme/tiny")], {
      allowPartial: true,
    });
    expect(config.base_model_name_or_path).toBeNull();
    expect(warnings.find(({ id }) => id === "different-base")!.text).toContain(
      "a PEFT folder names none, since none of them is known to have all layers of the result.",
    );
  });

  it("names the spelling of a base that says most about where it is: owner and name, then a name, then a path", async () => {
    const named = async (...bases: string[]): Promise<unknown> => {
      const adapters = bases.map((base, t) => adapterOf(`a${t}`, { q: 2 }, { base_model_name_or_path: base }));
      return makePlan(await Promise.all(adapters), {}).config.base_model_name_or_path;
    };
    expect(await named("/work/models/m", "m", "org/m", "other/m")).toBe("org/m");
    expect(await named("/work/models/m", "m")).toBe("m");
    expect(await named("/work/models/m", "./m")).toBe("/work/models/m");
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
