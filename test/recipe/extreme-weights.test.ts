import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { RecipeFields } from "../../src/recipe/recipe.ts";
import { openPico, randomAdapter } from "../support/pico.ts";

const two = () => Promise.all([1, 2].map((seed) => openPico(`a${seed}`, randomAdapter(seed))));
const three = () => Promise.all([1, 2, 3].map((seed) => openPico(`a${seed}`, randomAdapter(seed))));

describe("weights of very different size", () => {
  it.each([
    [[1, 1e12]],
    [[1e-300, 1e-288]],
    [[-1, 1e12]],
    [[1e150, 1e150]],
    // Weight 0 leaves an adapter out; it is no size.
    [[0, 1e-300]],
    [[0, 1e300]],
  ])("%j are taken", async (weights) => {
    expect(makePlan(await two(), { method: "cat", weights }).inputs.map(({ weight }) => weight)).toEqual(weights);
  });

  it.each([
    [[1, 1.1e12], /range over a factor of 1e\+12 \(their sum is 1100000000001\), beyond 1e\+12/],
    [[1e13, 1], /The weights of cat range over a factor of 1e\+13/],
    [[1, -1e13], /a factor of 1e\+13/],
    [[Number.MIN_VALUE, 1], /or 0 to leave an adapter out/],
    [[1.7e308, 1.7e308], /their sum is Infinity/],
  ])("%j are refused, since the smaller ones would be lost", async (weights, words) => {
    const adapters = await two();
    expect(() => makePlan(adapters, { method: "cat", weights })).toThrow(UsageError);
    expect(() => makePlan(adapters, { method: "cat", weights })).toThrow(words);
  });

  it("are found among more than two, and among those of single modules", async () => {
    const adapters = await three();
    const refused: RecipeFields[] = [
      { weights: [5, 1e-9, 1e4] },
      { moduleWeights: [{ match: "q_proj", weights: [5, 1e-9, 1e4] }] },
    ];
    for (const recipe of refused) {
      expect(() => makePlan(adapters, { method: "cat", ...recipe })).toThrow(/range over a factor of 1e\+13/);
    }
  });
});
