import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { methodById } from "../../src/methods/registry.ts";
import { autoRank } from "../../src/plan/auto-rank.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { openPico, randomAdapter } from "../support/pico.ts";

/** A module with an adapter of each rank; null where one lacks it. */
const module = (...ranks: readonly (number | null)[]) => shaped(140, 150, ...ranks);
/** The same in a module of these columns and rows. */
const shaped = (inputs: number, out: number, ...ranks: readonly (number | null)[]) => ({
  parts: ranks.flatMap((rank, input) => (rank === null ? [] : [{ input, module: { rank, in: inputs, out } }])),
});

describe("the rank that auto takes", () => {
  it.each([
    ["the largest of an adapter, where that is enough for each", [module(6, 6, 4)], 6],
    ["twice it, where there are more adapters", [module(6, 6, 6, 6, 6, 6, 6)], 12],
    ["their number, where that is more", [module(2, 2, 2, 2, 2, 2)], 6],
    ["no more than the largest module has units", [module(2, 1, null), module(null, 1, 1)], 3],
    ["counted over all modules, as some adapters lack some", [module(2, 2, null), module(null, 2, 2)], 4],
  ])("is %s", (_, modules, rank) => {
    expect(autoRank(methodById("tsv"), modules)).toBe(rank);
  });

  // Of 16 directions tsv takes the same number for each adapter.
  it.each([
    ["tsv", 12],
    ["svd", 16],
    ["linear", 8],
  ])("is no more than %s writes", (method, rank) => {
    expect(autoRank(methodById(method), [shaped(16, 20, 8, 8, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4)])).toBe(rank);
  });
});

describe("a merge by auto without a rank", () => {
  const open = (count: number, rank: number): Promise<Adapter[]> =>
    Promise.all(
      Array.from({ length: count }, (_, t) =>
        openPico(`a${t}`, randomAdapter(t, { rank, modules: { q: { in: 140, out: 150 } } })),
      ),
    );

  it("takes it, and a method that is named takes its own", async () => {
    const seven = await open(7, 3);
    expect(makePlan(seven, {}).rank).toBe(7);
    expect(makePlan(seven, { method: "tsv" }).rank).toBe(3);
    expect(makePlan(seven, { target: { kind: "rank", rank: 5 } } as Recipe).rank).toBe(5);
    expect(makePlan(await open(3, 3), {}).rank).toBe(3);
  });

  it("goes no further than the program that it is for takes", async () => {
    const many = await open(130, 1);
    expect(makePlan(many, {}).rank).toBe(130);
    // TGI takes 128 at most.
    expect(makePlan(many, { for: "tgi" } as Recipe).rank).toBe(128);
  });

  it("counts adapters that change something", async () => {
    const zero = openPico("zero", {
      modules: { q: { A: [Array(140).fill(0)], B: Array.from({ length: 150 }, () => [0]) } },
    });
    const { plan } = await mergeInMemory([...(await open(2, 2)), await zero], {});
    expect(plan.rank).toBe(2);
  });
});
