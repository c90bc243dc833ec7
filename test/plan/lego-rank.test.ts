import { describe, expect, it } from "vitest";
import { isSelection, legoRank } from "../../src/plan/lego-rank.ts";
import type { PlannedModule } from "../../src/plan/merge-plan.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { openPico, randomAdapter } from "../support/pico.ts";

/** A module with an adapter of each rank. */
const module = (...ranks: readonly number[]) => ({
  parts: ranks.map((rank, input) => ({ input, module: { rank } })) as unknown as PlannedModule["parts"],
});
const all = (count: number) => new Array<boolean>(count).fill(true);

describe("the rank for LEGO", () => {
  it("is twice the adapters' own for three and more of one seed, else their own", () => {
    expect(legoRank([module(6, 6, 6)], all(3), true)).toEqual({ rank: 12, because: "shared-start" });
    expect(legoRank([module(6, 6, 6)], all(3), false)).toEqual({ rank: 6, because: "starts-apart" });
  });

  it("is their own for adapters of one seed of which twice the rank would keep most units alone", () => {
    // Nine modules of ten have two of the three adapters: 8 of 8 clusters there hold one unit.
    const few = [module(4, 4, 4), ...new Array(9).fill(module(4, 4))];
    expect(legoRank(few, all(3), true)).toEqual({ rank: 4, because: "shared-few-units" });
    expect(isSelection(few, all(3), 8)).toBe(true);
    expect(isSelection(few, all(3), 4)).toBe(false);
  });

  it("is their own for two, whatever they began with", () => {
    expect(legoRank([module(6, 6)], all(2), true)).toEqual({ rank: 6, because: "two-adapters" });
    expect(legoRank([module(6, 6, 6)], [true, false, true], true)).toEqual({ rank: 6, because: "two-adapters" });
  });

  it("is the geometric mean of different ranks, of adapters that change something", () => {
    expect(legoRank([module(2, 32), module(2, 32)], all(2), true)).toEqual({ rank: 8, because: "ranks-differ" });
    // By hand: (2 * 4 * 6 * 8 * 12 * 16 * 32)^(1/7) is 8.1.
    expect(legoRank([module(2, 4, 6, 8, 12, 16, 32)], all(7), true).rank).toBe(8);
    expect(legoRank([module(2, 32, 32, 32)], [false, true, true, true], true).rank).toBe(64);
  });

  it("is that of the module which needs most, where ranks differ by module", () => {
    expect(legoRank([module(8, 8, 8), module(4, 4, 4)], all(3), false)).toEqual({ rank: 8, because: "starts-apart" });
    expect(legoRank([module(8, 2), module(16)], all(2), false)).toEqual({ rank: 16, because: "ranks-differ" });
  });
});

describe("a merge by LEGO without a rank", () => {
  const ranksOf = async (...ranks: readonly number[]) => {
    const modules = { q: { in: 40, out: 50 } };
    const adapters = await Promise.all(ranks.map((rank, t) => openPico(`a${t}`, randomAdapter(t, { rank, modules }))));
    const plan = makePlan(adapters, { method: "lego" });
    return [plan.rank, legoRank(plan.modules, all(ranks.length), false).rank];
  };

  it("takes the rank that is recommended where units are not known to be alike by number", async () => {
    expect(await ranksOf(2, 16, 4)).toEqual([5, 5]);
    expect(await ranksOf(4, 4, 4)).toEqual([4, 4]);
    expect(await ranksOf(2, 32)).toEqual([8, 8]);
    expect((await ranksOf(7))[0]).toBe(7);
  });
});
