import { describe, expect, it } from "vitest";
import type { RecordedMerge } from "../../../src/analysis/audit/audit-merged.ts";
import {
  audited,
  diagonal,
  fixesOf,
  foundIn,
  GOOD,
  MODULE,
  near,
  signature,
  sum,
  THREE,
  unit,
} from "../../support/audited-merge.ts";
import { openPico } from "../../support/pico.ts";

describe("signatures of a scale", () => {
  it.each([
    [0.3, ["scale-too-small"], "1.674"],
    [GOOD, [], null],
    [1, ["scale-too-large"], "0.5023"],
  ])("tell the scale of three adapters times %d (by hand: 1 / sqrt(4 - 1/27) over that)", async (size, ids, factor) => {
    const audit = await audited(diagonal("m", { 0: size, 1: size, 2: size }), THREE);
    expect(foundIn(audit)).toEqual(ids);
    expect(audit.autoScale.factor).toBeCloseTo(1 / Math.sqrt(4 - 1 / 27) / size, 3);
    expect(fixesOf(audit)).toEqual(factor === null ? [] : [{ factor: Number(factor) }]);
    // Where the recipe is known, the same merge with that factor times its own.
    const known = await audited(
      diagonal("m", { 0: size, 1: size, 2: size }),
      THREE,
      sum([1, 1, 1], { recipe: { method: "cat", scale: 2 } }),
    );
    const doubled = [{ scale: Number((2 * Number(factor)).toPrecision(4)) }];
    expect(fixesOf(known)).toEqual(factor === null ? [] : doubled);
  });

  it("say nothing of the scale, nor of what a result should hold of each, where the weights are not known", async () => {
    const pair = [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 })];
    const audit = await audited(diagonal("m", { 0: 1, 1: 9 }), pair, sum([1, 1], { weights: null }));
    for (const id of ["scale-too-small", "scale-too-large", "badly-kept"] as const) {
      expect(signature(audit, id)).toMatchObject({
        found: null,
        figure: null,
        text: "the weights of the merge are not known",
      });
    }
    expect([audit.weights, audit.next, audit.good]).toEqual([null, [], true]);
  });

  it("ask for no factor where no module has two adapters", async () => {
    const apart = [diagonal("a", { 0: 1 }), diagonal("b", { 1: 2 }, "layers.1.q_proj")];
    const both = openPico("m", {
      modules: {
        [MODULE]: { A: [unit(0)], B: [0, 1, 2, 3].map((row) => [row === 0 ? 1 : 0]) },
        "layers.1.q_proj": { A: [unit(1)], B: [0, 1, 2, 3].map((row) => [row === 1 ? 2 : 0]) },
      },
    });
    const audit = await audited(both, apart);
    expect(audit.autoScale).toMatchObject({ factor: 1, rule: "nothing shared" });
    expect(signature(audit, "scale-too-large")).toMatchObject({ found: null, text: "no module has two adapters" });
    expect([foundIn(audit), audit.next]).toEqual([[], []]);
  });

  it("compare a result of one adapter with its size", async () => {
    expect(foundIn(await audited(diagonal("m", { 0: 1 }), [diagonal("a", { 0: 1 })]))).toEqual([]);
    const twice = await audited(diagonal("m", { 0: 2 }), [diagonal("a", { 0: 1 })]);
    expect(signature(twice, "scale-too-large")).toMatchObject({ found: true, figure: 0.5 });
  });

  it("tell a result that holds nothing of the adapters, for which no factor follows", async () => {
    const stranger = await audited(diagonal("m", { 3: 1 }), [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 })]);
    expect(foundIn(stranger)).toContain("no-direction");
    expect(signature(stranger, "no-direction")).toMatchObject({ figure: 0, limit: 0.2 });
    expect(signature(stranger, "scale-too-small")).toMatchObject({ found: null, figure: null });
    expect(stranger.next[0]).toEqual({ why: expect.stringMatching(/^Pass the adapters/), how: null });
    const only = await audited(diagonal("m", { 3: 1 }), [diagonal("a", { 0: 1 })]);
    expect(signature(only, "no-direction")).toMatchObject({ found: true, figure: 0 });
    const nothing = await audited(diagonal("m", { 3: 0 }), [diagonal("a", { 0: 1 })]);
    expect(signature(nothing, "no-direction")).toMatchObject({ found: true, figure: 0 });
    const own = await audited(diagonal("m", { 0: GOOD, 1: GOOD }), [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 })]);
    expect(signature(own, "no-direction")).toMatchObject({ found: false, figure: near(1) });
  });

  it("tell an adapter that does not show, whatever its size, by the rule of the table", async () => {
    const pair = [diagonal("a", { 0: 1 }), diagonal("b", { 1: 1 })];
    const audit = await audited(diagonal("m", { 0: 1, 2: 0.5 }), pair);
    expect(audit.kept).toEqual(["held", "lost"]);
    expect(signature(audit, "lost-adapter")).toMatchObject({
      found: true,
      figure: 1,
      text: "b is practically lost: the result has cosine 0.000 with it.",
    });
    expect(signature(audit, "badly-kept").text).toBe("0.00 times as much of b as of all (see lost-adapter)");
    expect(audit.good).toBe(false);
    expect(audit.next[0]!.why).toMatch(/^Pass the adapters that it was made of/);
    expect(fixesOf(audit)).toContainEqual({ method: "auto", rank: 2 });
  });

  it("offer what auto takes instead of a result without a direction, unless auto made it", async () => {
    const strange = (recipe: RecordedMerge["recipe"]) =>
      audited(diagonal("m", { 0: 0.1, 1: 0.1, 2: 0.1, 3: 1 }), THREE, sum([1, 1, 1], { recipe }));
    expect(fixesOf(await strange({ method: "ct_merge" }))).toEqual([{ method: "auto", rank: 3 }]);
    expect(fixesOf(await strange({ method: "auto" }))).toEqual([]);
  });

  it("say which other factor the adapters may ask for, as one that can be passed", async () => {
    // Of copies of (1, 0.5): pull 1.25 / 0.6, response (0.1 + 0.5 * 0.25) / (0.01 + 0.25).
    const pair = [diagonal("a", { 0: 1, 1: 0.5 }), diagonal("b", { 0: 1, 1: 0.5 })];
    const audit = await audited(
      diagonal("m", { 0: 0.1, 1: 1 }),
      pair,
      sum([1, 1], { recipe: { method: "svd", scale: 1 } }),
    );
    expect([audit.autoScale.pull, audit.autoScale.response]).toEqual([2.083, 0.8654]);
    expect(fixesOf(audit)).toEqual([{ scale: 2.083 }, { scale: 0.8654 }]);
    expect(audit.notes).toEqual([
      "a and b are the same adapter, or nearly (cosine 1.0000); keep one of them, unless it is to count more than once.",
    ]);
  });

  it("take either of two factors that the adapters may ask for, and offer no other one to whoever chose", async () => {
    const pair = [diagonal("a", { 0: 1, 1: 0.5 }), diagonal("b", { 0: 1, 1: 0.5 })];
    for (const scale of [2.083, 0.8654]) {
      const result = diagonal("m", { 0: 0.1 * scale, 1: scale });
      const audit = await audited(result, pair, sum([1, 1], { recipe: { method: "svd", scale } }));
      expect([scale, foundIn(audit), audit.next]).toEqual([scale, [], []]);
    }
    const between = diagonal("m", { 0: 0.15, 1: 1.5 });
    const audit = await audited(between, pair, sum([1, 1], { recipe: { method: "svd", scale: 1.5 } }));
    expect([foundIn(audit), fixesOf(audit)]).toEqual([["scale-too-small"], [{ scale: 2.083 }]]);
  });
});
