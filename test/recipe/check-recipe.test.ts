import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { chooseMethod } from "../../src/methods/auto.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Fail } from "../../src/recipe/check-options.ts";
import { checkRecipe } from "../../src/recipe/check-recipe.ts";
import type { LooseRecipe, Recipe } from "../../src/recipe/recipe.ts";
import { FIELD_NAMES } from "../../src/recipe/recipe-fields.ts";
import { keyOf, linear, openPeft } from "../support/memory-folder.ts";

describe("a recipe out of plain JavaScript", () => {
  it.each<[object, RegExp]>([
    [{ weigths: [1] }, /field "weigths", which does not exist; did you mean weights\?/],
    [{ rank: 2 }, /field "rank", which does not exist; the fields are method, options, target, weights, after, scale,/],
    [{ dtype: "fp16" }, /dtype is "fp16", but must be one of auto, f32, f16, bf16/],
    [{ extras: "fisrt" }, /extras is "fisrt", but must be one of error, drop, first, average/],
    [{ rankLayout: "own" }, /rankLayout is "own"/],
    [{ target: 2 }, /target.kind is 2, but must be one of rank, share, energy, full, budget/],
    [{ target: { kind: "budget", rank: 0.5 } }, /The budget is 0.5, but must be a whole number above 0/],
    [{ target: { kind: "rnk" } }, /target.kind is "rnk"/],
    [{ method: "lego", options: { guage: "balanced" } }, /lego has no option "guage"; did you mean gauge\?/],
    [
      { method: "lego", options: { outputReweight: "off" } },
      /outputReweight of lego is "off", but must be true or false/,
    ],
    [
      { method: "lego", options: { effort: Number.NaN } },
      /effort of lego is NaN, but must be a finite number, at least 0 and at most 100/,
    ],
    [
      { method: "lego", options: { gauge: "balancd" } },
      /gauge of lego is "balancd", but must be one of .*; did you mean balanced\?$/,
    ],
    [{ method: "lego", options: { effort: -1 } }, /effort of lego is -1, but must be/],
    [{ method: "lego", options: { seed: 0.5 } }, /seed of lego is 0.5, but must be a whole number/],
    [{ method: "lego", options: { zzzzzzzz: 1 } }, /lego has no option "zzzzzzzz"; its options are gauge, /],
    [{ method: "lego", options: "raw" }, /options of lego are "raw", but must be a map/],
    [{ method: "lego", options: null }, /options of lego are null, but must be a map/],
    [{ method: "lego", options: ["raw"] }, /options of lego are \["raw"\], but must be a map/],
    [{ options: { gauge: "raw" } }, /auto chooses has its own options, so gauge cannot be set; name the method/],
    [{ options: null }, /options of auto are null, but must be a map/],
    [{ method: "cat", options: { seed: 1 } }, /cat has no option "seed"; it has none/],
  ])("is refused where it says nothing or something else: %j", async (recipe, message) => {
    const adapters = [await openPeft(linear("q"))];
    expect(() => makePlan(adapters, recipe as Recipe)).toThrow(UsageError);
    expect(() => makePlan(adapters, recipe as Recipe)).toThrow(message);
  });
});

/** A list that holds itself, which JSON cannot show. */
const endless: unknown[] = [];
endless.push(endless);

describe("a value that a recipe's field does not take", () => {
  it.each<[object, string]>([
    [{ include: "q" }, 'include is "q", but must be a list of patterns.'],
    [{ exclude: ["q", 1] }, 'exclude is ["q",1], but must be a list of patterns.'],
    [{ include: ["q..v"] }, 'The module pattern "q..v" cannot be read'],
    [{ exclude: ["q", ""] }, 'The module pattern "" cannot be read'],
    [{ moduleWeights: [{ match: "**x", weights: [1] }] }, 'The module pattern "**x" cannot be read'],
    [{ weights: 1 }, "weights is 1, but must be a list of numbers, one for each adapter."],
    [{ weights: ["1"] }, 'weights is ["1"], but must be a list of numbers'],
    ...[null, {}, { match: "q" }, { weights: [1] }, { match: 1, weights: [1] }, { match: "q", weights: [null] }].map(
      (wrong): [object, string] => [
        { moduleWeights: [wrong] },
        `moduleWeights is ${JSON.stringify([wrong])}, but must be a list of { match, weights }.`,
      ],
    ),
    [{ allowPartial: 1 }, "allowPartial is 1, but must be true or false."],
    [{ scale: "large" }, 'scale is "large", but must be a finite number, or auto.'],
    [{ scale: Number.NaN }, "scale is NaN, but must be a finite number, or auto."],
    [{ scale: 0 }, "The scale is 0, so the result would change nothing"],
    [{ weights: [Number.POSITIVE_INFINITY] }, "Weights must be finite numbers."],
    [{ weights: [1, 2] }, "There is 1 adapter but 2 weights; pass one weight for each adapter"],
    [{ target: null }, "target.kind is null, but must be one of rank, share, "],
    [{ target: { kind: "rank", rank: 0 } }, "The rank asked for is 0, but must be a whole number above 0."],
    [{ target: { kind: "rank", rank: 1.5 } }, "The rank asked for is 1.5, but"],
    [{ target: { kind: "share", share: 0 } }, "The share of units to keep is 0, but must be above 0 and at most 1."],
    [{ target: { kind: "share", share: 1.01 } }, "The share of units to keep is 1.01, but"],
    [{ target: { kind: "energy", rule: "sv", threshold: 1 } }, 'The rule of the target is "sv", but must be one of'],
    ...(
      [
        ["sv_fro", 0, "above 0 and at most 1"],
        ["sv_cumulative", 1.01, "above 0 and at most 1"],
        ["sv_ratio", 0.99, "a finite number of at least 1"],
        ["sv_ratio", Number.POSITIVE_INFINITY, "a finite number of at least 1"],
      ] as const
    ).map(([rule, threshold, range]): [object, string] => [
      { target: { kind: "energy", rule, threshold } },
      `The threshold of ${rule} is ${threshold}, but must be ${range}.`,
    ]),
    [{ method: "ties_svd", target: { kind: "full" } }, "ties_svd makes dense deltas, which have no rank of their own"],
    [{ dtype: () => {} }, "dtype is a function, but"],
    [{ dtype: 7n }, "dtype is 7, but"],
    [{ dtype: endless }, "dtype is a list, but"],
    [{ dtype: { endless } }, "dtype is an object, but"],
    [{ dtype: Symbol("odd") }, "dtype is Symbol(odd), but"],
    [{ dtype: "x".repeat(198) }, `dtype is "${"x".repeat(198)}", but`],
    [{ dtype: "x".repeat(199) }, `dtype is "${"x".repeat(199)}..., but`],
  ])("is refused with what it is and what it must be (%#)", async (recipe, said) => {
    const adapters = [await openPeft(linear("q"))];
    expect(() => makePlan(adapters, recipe as Recipe)).toThrow(UsageError);
    expect(() => makePlan(adapters, recipe as Recipe)).toThrow(said);
  });

  it("is refused at its place, where fields have one", () => {
    const places = (recipe: LooseRecipe, inputs = ["a", "b"]): string[] => {
      const found: string[] = [];
      const note: Fail = (path) => {
        found.push(path.join("."));
        throw new UsageError("refused");
      };
      expect(() => checkRecipe(recipe, inputs, note)).toThrow("refused");
      return found;
    };
    const matches = [
      { match: "q", weights: [1, 1] },
      { match: "..", weights: [1, 1] },
    ];
    expect(places({ exclude: ["q", "q..v"] })).toEqual(["exclude.1"]);
    expect(places({ moduleWeights: matches })).toEqual(["moduleWeights.1.match"]);
    expect(places({ target: { kind: "rank", rank: 0 } })).toEqual(["target"]);
    expect(places({ method: "lego", options: { effort: -1 } })).toEqual(["options.effort"]);
    expect(places({ method: "lego", weights: [1, -1] })).toEqual(["weights.1"]);
    expect(places({ weights: [1] })).toEqual(["weights"]);
    expect(places({ scale: 0 })).toEqual(["scale"]);
    expect(places({ scale: "large" } as unknown as LooseRecipe)).toEqual(["scale"]);
    expect(places({ weigths: [1] } as unknown as LooseRecipe)).toEqual(["weigths"]);
    expect(places({ method: "lego", weights: [-1, 1] })).toEqual(["weights.0"]);
    expect(places({}, [])).toEqual([""]);
  });
});

describe("a value at the end of its range", () => {
  it.each<object>([
    { target: { kind: "share", share: 1 } },
    { target: { kind: "energy", rule: "sv_fro", threshold: 1 } },
    { target: { kind: "energy", rule: "sv_ratio", threshold: 1 } },
    { target: { kind: "rank", rank: 1 } },
    { method: "cat", weights: [-1] },
    { method: "lego", weights: [0] },
    { scale: "auto" },
  ])("is taken: %j", (recipe) => {
    expect(() => checkRecipe({ method: "svd", ...recipe }, ["a"])).not.toThrow();
  });
});

describe("the method auto", () => {
  it("goes by the adapters that a weight other than 0 gives a part somewhere, unless the plan is told how many act", async () => {
    const three = ["a", "b", "c"];
    const chosen = (recipe: LooseRecipe) => checkRecipe(recipe, three).chosen;
    const [two, all] = [chooseMethod(2, false), chooseMethod(3, false)];
    expect(two).not.toEqual(all);
    expect(chosen({})).toEqual(all);
    expect(chosen({ weights: [1, 0, 2] })).toEqual(two);
    expect(chosen({ weights: [1, 0, 2], moduleWeights: [{ match: "q", weights: [0, 1, 0] }] })).toEqual(all);
    const adapters = await Promise.all(three.map(() => openPeft(linear("q"))));
    expect(makePlan(adapters, {}).chosen).toBe(all.reason);
    expect(makePlan(adapters, { weights: [1, 0, 2] }).chosen).toBe(two.reason);
    expect(makePlan(adapters, {}, { acting: 2 }).chosen).toBe(two.reason);
    expect(chosen({ method: "cat" })).toBeNull();
  });
});

describe("what is undefined in a recipe", () => {
  it("is not given: the plan is that of a recipe without it", async () => {
    const adapters = [await openPeft(linear("q"))];
    const nothing = makePlan(adapters, { method: "lego" });
    for (const name of [...FIELD_NAMES, "options", "target"]) {
      if (["rank", "keep", "energy"].includes(name)) continue;
      expect([name, makePlan(adapters, { method: "lego", [name]: undefined } as Recipe)]).toEqual([
        name,
        name === "method" ? makePlan(adapters, {}) : nothing,
      ]);
    }
    const options = { seed: undefined } as unknown as { seed: number };
    expect(makePlan(adapters, { method: "lego", options })).toEqual(nothing);
  });
});

describe("a scale beyond f32", () => {
  it("is refused where the result would hold Inf", async () => {
    const one = (value: number) => new Uint8Array(Float32Array.of(value).buffer);
    const adapter = await openPeft(
      [
        { name: keyOf("q", "lora_A.weight"), dtype: "F32", shape: [1, 1], data: one(1e30) },
        { name: keyOf("q", "lora_B.weight"), dtype: "F32", shape: [1, 1], data: one(1) },
      ],
      { r: 1, lora_alpha: 1 },
    );
    await expect(mergeInMemory([adapter], { scale: 1e20 })).rejects.toThrow(/q has values that f32 cannot hold/);
  });
});
