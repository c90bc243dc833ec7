import { describe, expect, it } from "vitest";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { decodeAdapter, openPico, type PicoAdapter, randomAdapter, relativeError } from "../support/pico.ts";

/** Adapters of ranks 2 and 8 of matrices that have rank 6 at most. */
const SHAPES = { square: { in: 6, out: 6 }, tall: { in: 6, out: 20 }, wide: { in: 20, out: 6 } };
const of = (seed: number, rank: number): PicoAdapter =>
  randomAdapter(seed, {
    modules: Object.fromEntries(Object.entries(SHAPES).map(([name, size]) => [name, { ...size, rank }])),
    config: { r: rank, lora_alpha: rank },
  });
const open = async (first: PicoAdapter = of(1, 2)) => [await openPico("one", first), await openPico("other", of(2, 8))];

describe("the rank of a merge that cuts by singular values", () => {
  it.each<["svd" | "iso_c" | "knots" | "tsv", number]>([
    ["svd", 6],
    ["iso_c", 6],
    ["knots", 6],
    // The leading three triplets of the second adapter, beside two of the first.
    ["tsv", 5],
  ])("by %s is planned as it comes out, and is never larger than a matrix can have", async (method, rank) => {
    for (const rankLayout of ["uniform", "pattern"] as const) {
      const adapters = await open();
      const recipe = { method, rankLayout, target: { kind: "rank", rank: 8 } } as const;
      const plan = makePlan(adapters, recipe);
      const { report } = await mergeInMemory(adapters, recipe);
      expect(plan.modules.map((module) => module.rank)).toEqual([rank, rank, rank]);
      expect([plan.rank, report.totals.rank]).toEqual([rank, rank]);
    }
  });

  it("grows beyond the plan where an adapter does not change a module after all", async () => {
    const one = of(1, 2);
    const { A, B } = one.modules.square!;
    const modules = { ...one.modules, square: { A, B: (B as number[][]).map((row) => row.map(() => 0)) } };
    const adapters = await open({ ...one, modules });
    for (const scale of [1, "auto"] as const) {
      const recipe = { method: "tsv", target: { kind: "rank", rank: 8 }, scale, dtype: "f32" } as const;
      const { config, weights, report } = await mergeInMemory(adapters, recipe);
      expect(report.totals.rank).toBe(6);
      const alone = await mergeInMemory([adapters[1]!], { method: "cat", dtype: "f32" });
      const [got, expected] = [
        decodeAdapter(JSON.stringify(config), weights),
        decodeAdapter(JSON.stringify(alone.config), alone.weights),
      ].map((merged) => merged.modules.get("square")!.delta);
      const factor = report.autoScale?.factor ?? 1;
      expect(
        relativeError(
          got!,
          expected!.map((value) => factor * value),
        ),
      ).toBeLessThan(1e-5);
    }
  });
});
