import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { METHODS } from "../../src/methods/registry.ts";
import { carriedOut } from "../../src/plan/carried-out.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { LooseRecipe, Recipe } from "../../src/recipe/recipe.ts";
import { diagonal } from "../support/factors.ts";
import { openPico, type PicoAdapter, randomAdapter } from "../support/pico.ts";

const open = (adapters: readonly PicoAdapter[]): Promise<Adapter[]> =>
  Promise.all(adapters.map((adapter, t) => openPico(`a${t}`, adapter)));
const budget = (rank: number) => ({ kind: "budget", rank }) as const;

async function merge(adapters: readonly PicoAdapter[], recipe: LooseRecipe) {
  return mergeInMemory(await open(adapters), recipe as Recipe);
}
const ranksOf = ({ report }: Awaited<ReturnType<typeof merge>>): number[] => report.modules.map(({ rank }) => rank);

/** Deltas on the diagonals of three 6 x 6 modules. */
const onDiagonals = (k: number[], q: number[], v: number[]): PicoAdapter => ({
  modules: { k: diagonal(...k), q: diagonal(...q), v: diagonal(...v) },
});

describe("a budget of ranks", () => {
  const first = onDiagonals([4, 2, 1, 0, 0, 0], [4, 3.8, 3.6, 0, 0, 0], [1, 0.6, 0.1, 0, 0, 0]);
  const second = onDiagonals([0, 0, 0, 4, 0.4, 0.04], [0, 0, 0, 4, 3.9, 3.7], [0, 0, 0, 1, 0.3, 0.2]);

  it("goes to one direction of each module, and then to the best of all (worked by hand)", async () => {
    // Each adapter's values relative to its largest, best first; nothing overlaps.
    //   k: 1 1 0.5 0.25 0.1 0.01    q: 1 1 0.975 0.95 0.925 0.9    v: 1 1 0.6 0.3 0.2 0.1
    const at = async (rank: number) => ranksOf(await merge([first, second], { method: "svd", target: budget(rank) }));
    expect(await at(1)).toEqual([1, 1, 1]);
    expect(await at(2)).toEqual([2, 2, 2]);
    expect(await at(3)).toEqual([2, 5, 2]);
    expect(await at(4)).toEqual([3, 6, 3]);
    expect(await at(5)).toEqual([4, 6, 5]);
    expect(await at(6)).toEqual([6, 6, 6]);
  });

  it("is not spent on what adapters have in common twice (worked by hand)", async () => {
    // Both have the same directions of q: 3 ranks hold their sum, and the other ranks go elsewhere.
    const same = onDiagonals([0, 0, 0, 4, 0.4, 0.04], [4, 3.9, 3.7, 0, 0, 0], [0, 0, 0, 1, 0.3, 0.2]);
    expect(ranksOf(await merge([first, same], { method: "svd", target: budget(3) }))).toEqual([3, 3, 3]);
    // Every unit can be a cluster of its own, whatever the units are.
    expect(ranksOf(await merge([first, same], { method: "lego", target: budget(3) }))).toEqual([2, 5, 2]);
  });

  it("is in the report, with what came of it", async () => {
    const { report, plan, config } = await merge([first, second], { method: "svd", target: budget(3) });
    expect(report.budget).toEqual({ total: 9, used: 9 });
    expect(report.options).toMatchObject({ target: budget(3), rankLayout: "pattern" });
    expect(report.warnings.map(({ id }) => id)).toEqual(["rank-too-low"]);
    expect(config).toMatchObject({ r: 5, rank_pattern: { k: 2, v: 2 } });
    expect(carriedOut({ target: budget(3) } as Recipe, plan)).toMatchObject({
      target: budget(3),
      rankLayout: "pattern",
    });
    expect((await merge([first, second], { target: { kind: "rank", rank: 3 } })).report.budget).toBeNull();
  });

  it("beyond what modules can use is kept whole, with a warning", async () => {
    const whole = await merge([first, second], { method: "svd", target: { kind: "full" }, rankLayout: "pattern" });
    const { report, weights } = await merge([first, second], { method: "svd", target: budget(100) });
    expect(weights).toEqual(whole.weights);
    expect(report.budget).toEqual({ total: 300, used: 18 });
    expect(report.warnings).toEqual([
      {
        id: "rank-reduced",
        text: "The budget is 300 ranks, but the modules can use only 18, so that is what they have together.",
      },
    ]);
  });

  it("of one adapter goes by its relative singular values", async () => {
    // k: 1 0.5 0.25   q: 1 0.95 0.9   v: 1 0.6 0.1
    for (const method of ["svd", "lego"]) {
      const at = async (rank: number) => ranksOf(await merge([first], { method, target: budget(rank) }));
      expect(await at(1)).toEqual([1, 1, 1]);
      expect(await at(2)).toEqual([1, 3, 2]);
      expect(await at(3)).toEqual([3, 3, 3]);
    }
  });

  it("gives a module whose deltas are zero nothing to write but zeros", async () => {
    const zero = { A: diagonal(1, 1, 1, 0, 0, 0).A, B: Array.from({ length: 6 }, () => [0, 0, 0]) };
    const { report, plan } = await merge([{ modules: { ...first.modules, o: zero } }], {
      method: "svd",
      target: budget(2),
    });
    expect(report.modules.map(({ name, rank }) => [name, rank])).toEqual([
      ["k", 2],
      ["o", 0],
      ["q", 3],
      ["v", 2],
    ]);
    expect(plan.modules.map(({ rank }) => rank)).toEqual([2, 1, 3, 2]);
    expect(report.budget).toEqual({ total: 8, used: 7 });
  });
});

describe("a budget of random adapters", () => {
  const modules = { q: { in: 14, out: 13 }, v: { in: 13, out: 15 }, o: { in: 12, out: 12 } };
  const adapters = [1, 2, 3].map((seed) => randomAdapter(seed, { rank: 4, modules }));

  it.each(METHODS.map(({ id }) => id))("is kept, whatever the order of the adapters: %s", async (method) => {
    const { needs } = METHODS.find(({ id }) => id === method)!;
    const given = adapters.slice(0, needs.adapters ?? 3);
    for (const rank of [1, 3]) {
      const one = await merge(given, { method, target: budget(rank) });
      const { total, used } = one.report.budget!;
      expect(total).toBe(3 * rank);
      expect(used).toBeLessThanOrEqual(total);
      expect(used).toBe(ranksOf(one).reduce((sum, own) => sum + own, 0));
      const other = await merge([...given].reverse(), { method, target: budget(rank) });
      expect(other.weights).toEqual(one.weights);
    }
  });

  it.each(["svd", "lego", "tsv"])("at full rank is the merge without a cut: %s", async (method) => {
    const whole = await merge(adapters, { method, target: { kind: "share", share: 1 }, rankLayout: "pattern" });
    const { weights } = await merge(adapters, { method, target: budget(12) });
    expect(weights).toEqual(whole.weights);
  });

  it("goes with a chosen method and a computed factor", async () => {
    const auto = await merge(adapters, { target: budget(2) });
    expect(auto.plan.method).toBe("tsv");
    const { factor } = auto.report.autoScale!;
    const given = await merge(adapters, { method: "tsv", target: budget(2), scale: factor });
    expect(auto.weights).toEqual(given.weights);
    expect(auto.report.budget).toEqual({ total: 6, used: 6 });
  });

  it("counts the modules that are merged, and takes adapters without weight for absent", async () => {
    const some = await merge(adapters, { method: "svd", target: budget(2), exclude: ["q"] });
    expect(some.report.budget).toEqual({ total: 4, used: 4 });
    const without = await merge(adapters, { method: "svd", target: budget(2), weights: [1, 1, 0] });
    expect(ranksOf(without)).toEqual(ranksOf(await merge(adapters.slice(0, 2), { method: "svd", target: budget(2) })));
  });
});

describe("the plan of a budget", () => {
  const modules = { q: { in: 12, out: 10 }, v: { in: 12, out: 7 }, o: { in: 9, out: 12 } };
  const adapters = () => open([1, 2, 3].map((seed) => randomAdapter(seed, { rank: 4, modules })));
  const planned = async (recipe: LooseRecipe) => {
    const plan = makePlan(await adapters(), { method: "svd", ...recipe } as Recipe);
    return [plan.rankLayout, ...plan.modules.map(({ rank }) => rank)];
  };

  it("has the most that each module could get, before values are known", async () => {
    expect(await planned({ target: budget(2) })).toEqual(["pattern", 4, 4, 4]);
    // 12 units, but the matrices are smaller.
    expect(await planned({ target: budget(9) })).toEqual(["pattern", 9, 10, 7]);
    expect(await planned({ target: budget(9), method: "lego" })).toEqual(["pattern", 12, 12, 12]);
  });

  it("gives each module its own rank where that is read, and one rank where it is not or where that is asked for", async () => {
    expect(await planned({ target: budget(2), for: "vllm" })).toEqual(["pattern", 4, 4, 4]);
    expect(await planned({ target: budget(2), for: "sglang" })).toEqual(["uniform", 4, 4, 4]);
    expect(await planned({ target: budget(2), rankLayout: "uniform" })).toEqual(["uniform", 4, 4, 4]);
    expect(await planned({ target: { kind: "rank", rank: 2 } })).toEqual(["uniform", 2, 2, 2]);
    // GGUF files always hold each module's own rank.
    expect(await planned({ target: budget(2), for: "llamacpp" })).toEqual(["pattern", 4, 4, 4]);
  });

  it("stays within the largest rank of the program", async () => {
    const wide = { q: { in: 200, out: 200 }, v: { in: 200, out: 200 } };
    const large = await open([1, 2, 3].map((seed) => randomAdapter(seed, { rank: 60, modules: wide })));
    const plan = makePlan(large, { method: "svd", target: budget(100), for: "tgi" } as Recipe);
    expect(plan.modules.map(({ rank }) => rank)).toEqual([128, 128]);
  });
});
