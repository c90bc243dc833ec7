import { describe, expect, it } from "vitest";
import type { MergedAudit } from "../../../src/analysis/audit/audit-merged.ts";
import {
  audited,
  diagonal,
  fixesOf,
  foundIn,
  GOOD,
  near,
  signature,
  sum,
  THREE,
  unit,
} from "../../support/audited-merge.ts";
import { openPico } from "../../support/pico.ts";

describe("signatures of a rank", () => {
  it("tell a rank that is too low for the adapters' sum, and name one that is enough", async () => {
    // One of three equal singular values holds a third of the energy; two of them two thirds.
    const low = await audited(diagonal("m", { 0: GOOD }), THREE);
    expect(signature(low, "rank-too-low")).toEqual({
      id: "rank-too-low",
      found: true,
      figure: near(1 / 3),
      limit: 0.9,
      text: "rank 1 can hold 33% of the sum's energy (least 90%)",
    });
    // Rank 1 of them is too small; the factor is computed for the one of rank 3, which is too large.
    expect(fixesOf(low)).toEqual([{ rank: 3, scale: "auto" }]);
    const enough = await audited(diagonal("m", { 0: GOOD, 1: GOOD, 2: GOOD }), THREE);
    expect(signature(enough, "rank-too-low")).toMatchObject({ found: false, figure: near(1) });
    expect(enough.next).toEqual([]);
    expect([enough.good, low.good]).toEqual([true, false]);
  });

  it("tell a rank that is too high for what the result holds", async () => {
    // 100 of 100.03 in the first of four ranks.
    const high = await audited(diagonal("m", { 0: 1, 1: 0.01, 2: 0.01, 3: 0.01 }), [diagonal("a", { 0: 1 })]);
    expect(signature(high, "rank-too-high")).toEqual({
      id: "rank-too-high",
      found: true,
      figure: near(3 / 4),
      limit: 2 / 3,
      text: "75% of the ranks hold the last 1% of energy (most 67%)",
    });
    // All modules keep one rank, which SGLang, TGI and mlx-lm need.
    expect(fixesOf(high)).toEqual([{ energy: "sv_fro=0.995", rankLayout: "uniform" }]);
    const even = await audited(diagonal("m", { 0: GOOD, 1: GOOD, 2: GOOD }), THREE);
    expect(signature(even, "rank-too-high")).toMatchObject({ found: false, figure: 0 });
    expect(even.next).toEqual([]);
  });

  it("tell clusters that join adapters from those that gather one, and say where they are not known", async () => {
    const numbers = [0, 1, 2, 3];
    const of = { rank: 3, normRatio: GOOD * Math.sqrt(3), cosines: [1, 1, 1].map((one) => one / Math.sqrt(3)) };
    const merged = (modules: readonly number[][][] | null, own = of): Promise<MergedAudit> =>
      audited(
        diagonal("m", { 0: GOOD, 1: GOOD, 2: GOOD }),
        THREE,
        sum([1, 1, 1], { clusters: modules && { modules, of: own } }),
      );
    // Each cluster holds one unit of each of four adapters: purity 1/4.
    const mixed = await merged([numbers.map(() => [...numbers])]);
    expect(mixed.purity!.purity).toBe(0.25);
    expect(signature(mixed, "mixed-clusters")).toMatchObject({
      found: true,
      limit: 0.75,
    });
    expect(fixesOf(mixed)).toEqual([{ method: "auto", rank: 3 }]);
    expect(signature(mixed, "mixed-clusters").text).toMatch(/^purity 25%, 0\.[3-6]\d times chance's \(least 0\.75\)$/);
    // Of another merge of the same adapters: its result has less of the third.
    const others = await merged([numbers.map(() => [...numbers])], { ...of, cosines: [0.7, 0.7, 0.1] });
    expect([others.purity, others.unseen]).toEqual([null, ["clusters (the report beside it is about another result)"]]);
    const pure = await merged([numbers.map((t) => numbers.map(() => t))]);
    expect(signature(pure, "mixed-clusters")).toMatchObject({ found: false });
    expect(pure.next).toEqual([]);
    expect(signature(await merged(null), "mixed-clusters")).toEqual({
      id: "mixed-clusters",
      found: null,
      figure: null,
      limit: 0.75,
      text: "the method makes no clusters",
    });
  });

  it("let a rank that is too low be mended before what depends on it", async () => {
    // The best of rank 1 of two equal directions has less than the norm of both, which no factor should make up for.
    const cut = await audited(diagonal("m", { 0: 1 }), [diagonal("a", { 0: 1, 1: 1, 2: 1 })]);
    expect(foundIn(cut)).toEqual(["rank-too-low", "scale-too-small"]);
    expect(fixesOf(cut)).toEqual([{ rank: 3 }]);
  });
});

describe("a rank that is too low", () => {
  it("is not mended by the same rank or a lower one", async () => {
    // Two modules: one of rank 1 for a sum of rank 2, and one of rank 3.
    const module = (places: readonly number[]) => ({
      A: places.map((at) => unit(at)),
      B: [0, 1, 2, 3].map((row) => places.map((at) => (row === at ? 1 : 0))),
    });
    const both = (name: string, q: readonly number[], k: readonly number[]) =>
      openPico(name, {
        modules: { "l.q": module(q), "l.k": module(k) },
        config: {
          r: q.length,
          lora_alpha: q.length,
          rank_pattern: { "l.k": k.length },
          alpha_pattern: { "l.k": k.length },
        },
      });
    const audit = await audited(both("m", [0], [0, 1, 2]), [both("a", [0, 1], [0]), both("b", [2], [1, 2])]);
    const { found } = signature(audit, "rank-too-low");
    expect([found, audit.rank, audit.rankForMost]).toEqual([true, 3, 3]);
    expect(audit.next[0]!.why).toMatch(/^Some modules have less than rank 3\. /);
    expect(fixesOf(audit)).toEqual([{ rank: 3 }]);
  });
});
