import { describe, expect, it } from "vitest";
import type { DeltaProducts } from "../../src/figures/delta.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { badlyKept, leastKept } from "../../src/report/badly-kept.ts";
import { openPico } from "../support/pico.ts";

/** Unrelated deltas with these squared norms, and their products with a result. */
const unrelated = (squares: readonly number[], cross: readonly number[]): DeltaProducts => ({
  inputs: squares.flatMap((square, t) => squares.map((_, u) => (t === u ? square : 0))),
  cross: [...cross],
  merged: 1,
});

describe("the adapter that a result holds least of", () => {
  it("is held against all adapters together (worked by hand)", () => {
    // Shares 1/2, 1/2 and 1/8; together (8 + 2 + 1/8) / (16 + 4 + 1) = 10.125 / 21.
    const least = leastKept(["a", "b", "c"], unrelated([16, 4, 1], [8, 2, 1 / 8]))!;
    expect(least.name).toBe("c");
    expect(least.times).toBeCloseTo(21 / (8 * 10.125), 12);
  });

  it("is none of those that change nothing, and none of one alone or of a result against all", () => {
    expect(leastKept(["a", "b", "c"], unrelated([1, 0, 1], [0.5, 0, 0.6]))!.name).toBe("a");
    expect(leastKept(["a", "b"], unrelated([1, 0], [1, 0]))).toBeNull();
    expect(leastKept(["a", "b"], unrelated([1, 1], [-1, 0]))).toBeNull();
  });

  it("does not depend on the order of adapters with the same share", () => {
    const same = unrelated([1, 1], [0.5, 0.5]);
    expect([leastKept(["a", "b"], same)!.name, leastKept(["b", "a"], same)!.name]).toEqual(["a", "a"]);
  });
});

describe("badly-kept", () => {
  /** Adapters of one direction each, which share none. */
  const adapters = (sizes: readonly number[]) =>
    Promise.all(
      sizes.map((size, at) => {
        const line = (value: number): number[] => sizes.map((_, x) => (x === at ? value : 0));
        return openPico(`adapter-${at}`, { modules: { q: { A: [line(1)], B: line(size).map((x) => [x]) } } });
      }),
    );
  const warned = async (recipe: Recipe) => {
    const { report } = await mergeInMemory(await adapters([3, 3, 1]), recipe);
    return report.warnings.filter(({ id }) => id === "badly-kept");
  };

  it("names the adapter that tsv leaves out at too small a rank, and the rank that mends it", async () => {
    const [warning, ...others] = await warned({ method: "tsv", target: { kind: "rank", rank: 2 } });
    expect(others).toEqual([]);
    expect(warning).toMatchObject({ adapter: "adapter-2", fix: { rank: 3 } });
    expect(warning!.text).toBe(
      "The result holds 0% as much of adapter-2 as of all adapters together: it has rank 2 for 3 adapters; rank 3 leaves room for each.",
    );
    expect(await warned({ method: "tsv", target: { kind: "rank", rank: 3 } })).toEqual([]);
  });

  it("is nothing to say where all are held alike", () => {
    const needs = { usual: 1, forEnergy: null, acting: 3, most: 3, clusters: false };
    const at = (rank: number, asked: number | null = rank) => ({ rank, asked });
    expect(badlyKept({ name: "a", times: 0.5 }, at(2), needs, "tsv", false)).toEqual([]);
    expect(badlyKept({ name: "a", times: 0.49 }, at(2), needs, "tsv", false)).toHaveLength(1);
    const [other] = badlyKept({ name: "a", times: 0.49 }, at(2), needs, "ct_merge", false);
    expect(other!.fix!.why).toBe(
      "Rank 3 leaves room for each adapter; ct_merge may hold as little of one at any rank.",
    );
    // Rank 3 was asked for, and the method left 2 of it.
    expect(badlyKept({ name: "a", times: 0.49 }, at(2, 3), needs, "dc_merge", false)).toEqual([]);
    expect(badlyKept(null, at(2), needs, "tsv", false)).toEqual([]);
  });
});
