import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { openPico, type PicoModule } from "../support/pico.ts";

/** A module of rank 1: delta = b a^T. */
const unit = (a: readonly number[], b: readonly number[]): PicoModule => ({ A: [a], B: b.map((value) => [value]) });
const three = unit([3, 0], [1, 0]);
const four = unit([0, 4], [0, 1]);
const zero = unit([1, 1], [0, 0]);
const open = (name: string, modules: Readonly<Record<string, PicoModule>>): Promise<Adapter> =>
  openPico(name, { modules });
const report = async (adapters: readonly Adapter[], recipe: Recipe) => (await mergeInMemory(adapters, recipe)).report;
const texts = async (id: string, adapters: readonly Adapter[], recipe: Recipe): Promise<string[]> =>
  (await report(adapters, recipe)).warnings.filter((warning) => warning.id === id).map(({ text }) => text);

const LEGO = { method: "lego" } as const;
const CAT = { method: "cat" } as const;

describe("what a report says of the method", () => {
  it("is why it was chosen, or else what auto would take, if that differs", async () => {
    const adapters = [await open("three", { q: three }), await open("four", { q: four })];
    const said = async (recipe: Recipe) => {
      const { chosen, advice } = await report(adapters, recipe);
      return [chosen !== null, advice !== null];
    };
    expect(await said({})).toEqual([true, false]);
    expect(await said({ method: "average" })).toEqual([false, true]);
    expect(await said({ method: "tsv" })).toEqual([false, true]);
    expect(await said({ method: "tsv", scale: "auto" })).toEqual([false, false]);
  });

  it("names the step after it, if there is one", async () => {
    const adapters = [await open("three", { q: three }), await open("four", { q: four })];
    expect((await report(adapters, { ...CAT, after: "svc" })).options).toMatchObject({ after: "svc" });
    expect(Object.keys((await report(adapters, CAT)).options)).not.toContain("after");
  });

  it("has no inertia where nothing is clustered", async () => {
    const adapters = [await open("three", { q: three }), await open("four", { q: four })];
    expect((await report(adapters, CAT)).totals.inertia).toBeNull();
    expect((await report(adapters, LEGO)).totals.inertia).not.toBeNull();
  });
});

describe("zero-modules", () => {
  it("counts the modules whose deltas are zero in all adapters, unless all are", async () => {
    const adapters = [
      await open("one", { q: three, k: three, v: zero }),
      await open("two", { q: four, k: zero, v: zero }),
    ];
    expect(await texts("zero-modules", adapters, CAT)).toEqual([
      "1 of 3 modules change nothing: their deltas are zero in all adapters.",
    ]);
    const nothing = [await open("one", { q: zero }), await open("two", { q: zero })];
    expect(await texts("zero-modules", nothing, CAT)).toEqual([]);
  });
});

describe("zero-result", () => {
  it("is not said of a result that is only small, nor of adapters that cancel in some modules", async () => {
    const adapters = [await open("three", { q: three }), await open("four", { q: four })];
    expect(await texts("zero-result", adapters, { ...CAT, scale: 1e-9 })).toEqual([]);
    const apart = [await open("one", { q: three, k: three }), await open("two", { q: unit([-3, 0], [1, 0]), k: four })];
    expect(await texts("zero-result", apart, CAT)).toEqual([]);
  });
});

describe("lost-adapter", () => {
  it("compares with the adapters that change something", async () => {
    // 20 is 20 times 1; with the zero adapter in the mean it would be 10 times.
    const at = (row: number, size: number) => {
      const values = [0, 0, 0];
      values[row] = size;
      return unit(values, [1, 0, 0]);
    };
    const adapters = [
      await open("large", { q: at(0, 20) }),
      await open("small", { q: at(1, 0.9) }),
      await open("nothing", { q: unit([1, 1, 1], [0, 0, 0]) }),
    ];
    expect(await texts("lost-adapter", adapters, CAT)).toEqual([expect.stringMatching(/^small is practically lost/)]);
  });
});

describe("weights-idle", () => {
  it("goes by all modules", async () => {
    const adapters = [await open("one", { q: three, k: three }), await open("two", { q: four, k: four })];
    const full = { ...LEGO, target: { kind: "rank", rank: 2 } } as const;
    const idle = (recipe: Recipe, of = adapters) => texts("weights-idle", of, recipe);
    // Every unit is its own cluster, and one of the modules has weights that differ.
    const differing = { moduleWeights: [{ match: "k", weights: [1, 2] }] };
    expect(await idle({ ...full, ...differing })).toEqual([expect.stringContaining("every unit is its own cluster")]);
    // A module with one adapter beside one with two equal weights: nothing to be idle.
    expect(await idle({ ...full, moduleWeights: [{ match: "q", weights: [2, 0] }] })).toEqual([]);
    // One adapter, with a weight in one of its modules.
    const single = [adapters[0]!];
    expect(await idle({ ...LEGO, moduleWeights: [{ match: "k", weights: [2] }] }, single)).toEqual([
      expect.stringContaining("there is one adapter"),
    ]);
    // Units join in one of the modules: there the weights act.
    const alike = [
      await open("one", { q: three, k: three }),
      await open("two", { q: four, k: unit([3, 0.1], [1, 0]) }),
    ];
    const some = { ...LEGO, target: { kind: "rank", rank: 1 } } as const;
    expect(await idle({ ...some, weights: [1, 2] }, alike)).toEqual([]);
  });
});
