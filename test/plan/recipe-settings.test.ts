import { describe, expect, it } from "vitest";
import { RefusedError, UsageError } from "../../src/core/errors.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { linear, openPeft } from "../support/memory-folder.ts";
import { adapterOf, refused, scaled } from "../support/plan-inputs.ts";

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
