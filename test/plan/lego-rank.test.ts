import { describe, expect, it } from "vitest";
import { legoRank } from "../../src/plan/lego-rank.ts";
import type { PlannedModule } from "../../src/plan/merge-plan.ts";

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

  it("is their own for two, whatever they began with", () => {
    expect(legoRank([module(6, 6)], all(2), true)).toEqual({ rank: 6, because: "two-adapters" });
    expect(legoRank([module(6, 6, 6)], [true, false, true], true)).toEqual({ rank: 6, because: "two-adapters" });
  });

  it("is the geometric mean of different ranks, of adapters that change something", () => {
    expect(legoRank([module(2, 32), module(2, 32)], all(2), true)).toEqual({ rank: 8, because: "ranks-differ" });
    expect(legoRank([module(2, 32, 32, 32)], [false, true, true, true], true).rank).toBe(64);
  });
});
