import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { RefusedError, UsageError } from "../../src/core/errors.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { chooseMethod } from "../../src/methods/auto.ts";
import { carriedOut } from "../../src/plan/carried-out.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { rejection } from "../support/memory-folder.ts";
import { openPico, type PicoAdapter, randomAdapter } from "../support/pico.ts";

const modules = { q: { in: 12, out: 10 } };
const zero: PicoAdapter = {
  modules: { q: { A: [Array<number>(12).fill(0)], B: Array.from({ length: 10 }, () => [0]) } },
};
const open = (adapters: readonly PicoAdapter[]): Promise<Adapter[]> =>
  Promise.all(adapters.map((adapter, t) => openPico(`a${t}`, adapter)));
const random = (count: number): PicoAdapter[] =>
  Array.from({ length: count }, (_, t) => randomAdapter(t + 1, { rank: 2 + (t % 2), modules }));
const auto: Recipe = { method: "auto" };

describe("the method auto", () => {
  it.each([
    [1, "svd"],
    [2, "tsv"],
    [3, "tsv"],
    [8, "tsv"],
  ])("stands for one method by the number of adapters: %i, %s", async (count, method) => {
    expect(chooseMethod(count, false).method).toBe(method);
    const { plan, report } = await mergeInMemory(await open(random(count)), auto);
    expect(plan.method).toBe(method);
    expect(report.options.method).toBe(method);
    expect(report.chosen).toContain(`${method} was chosen for ${count} adapter`);
  });

  it("writes what its choice writes, and a recipe that names it", async () => {
    const adapters = await open(random(4));
    const chosen = await mergeInMemory(adapters, auto);
    const target = { kind: "rank", rank: chosen.plan.rank } as const;
    const named = await mergeInMemory(adapters, { method: "tsv", scale: "auto", target });
    expect(chosen.weights).toEqual(named.weights);
    const again = await mergeInMemory(adapters, carriedOut(auto, chosen.plan));
    expect(again.weights).toEqual(chosen.weights);
    expect(again.report.chosen).toBeNull();
  });

  it("keeps a rank and a factor that are given", async () => {
    const adapters = await open(random(3));
    const { plan, report } = await mergeInMemory(adapters, { ...auto, scale: 0.5, target: { kind: "rank", rank: 1 } });
    expect([plan.scale, plan.rank, report.autoScale]).toEqual([0.5, 1, null]);
  });

  it("counts adapters that change something, by weights and by values", async () => {
    const weightless = await mergeInMemory(await open(random(3)), { ...auto, weights: [1, 0, 0] });
    expect(weightless.plan.method).toBe("svd");
    const silenced = { ...auto, moduleWeights: [{ match: "**", weights: [1, 1, 0] }] };
    expect(makePlan(await open(random(3)), silenced).chosen).toMatch(/^tsv was chosen for 2 adapters: /);
    const idle = await mergeInMemory(await open([...random(2), zero]), auto);
    expect(idle.report.chosen).toMatch(/^tsv was chosen for 2 adapters: /);
    const [alone, beside] = [await open(random(1)), await open([...random(1), zero, zero])];
    const result = await mergeInMemory(beside, auto);
    expect(result.plan.method).toBe("svd");
    expect(result.weights).toEqual((await mergeInMemory(alone, auto)).weights);
  });

  it("takes the largest rank that the program loads, and says so", async () => {
    // TGI takes rank 128 at most.
    const large = await open([randomAdapter(1, { rank: 130, modules: { "layers.0.q_proj": { in: 140, out: 140 } } })]);
    const { report } = await mergeInMemory(large, { ...auto, for: "tgi" });
    expect(report.totals.rank).toBe(128);
    expect(report.warnings.find(({ id }) => id === "rank-limited")?.text).toBe(
      "TGI takes rank 128 at most, so that is the rank of the result, though modules of the adapters have up to 130 units.",
    );
    expect(await rejection(mergeInMemory(large, { method: "svd", for: "tgi" }))).toBeInstanceOf(RefusedError);
  });

  it("advises where a merge by another method or factor is made", async () => {
    const adapters = await open(random(3));
    const advice = async (recipe: Recipe): Promise<string | null> =>
      (await mergeInMemory(adapters, recipe)).report.advice;
    const text =
      "For 3 adapters --method auto takes tsv with a computed factor: it keeps several adapters best in most sets measured.";
    expect(await advice({ method: "average" })).toBe(text);
    expect(await advice({ method: "tsv" })).toBe(text);
    expect(await advice({ method: "tsv", scale: "auto" })).toBeNull();
    expect(await advice(auto)).toBeNull();
    expect(await advice({ method: "lego", weights: [1, 0, 0] })).toBeNull();
  });

  it("takes no options", async () => {
    const adapters = await open(random(2));
    const wanted = { method: "auto", options: { gauge: "svd" } } as unknown as Recipe;
    expect(await rejection(mergeInMemory(adapters, wanted))).toEqual(
      new UsageError(
        "The method auto chooses has its own options, so gauge cannot be set; name the method, or leave gauge out.",
      ),
    );
  });
});
