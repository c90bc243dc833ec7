import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { FIELD_NAMES } from "../../src/recipe/recipe-fields.ts";
import { keyOf, linear, openPeft } from "../support/memory-folder.ts";

describe("a recipe out of plain JavaScript", () => {
  it.each<[object, RegExp]>([
    [{ weigths: [1] }, /field "weigths", which does not exist; did you mean weights\?/],
    [{ rank: 2 }, /field "rank", which does not exist; the fields are method, options, target/],
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
      /gauge of lego is "balancd", but must be one of .*; did you mean balanced\?/,
    ],
    [{ method: "lego", options: { effort: -1 } }, /effort of lego is -1, but must be/],
    [{ method: "lego", options: { seed: 0.5 } }, /seed of lego is 0.5, but must be a whole number/],
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
