import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { type MergedAdapter, mergeInMemory } from "../../src/merge/merge.ts";
import { METHODS } from "../../src/methods/registry.ts";
import type { LooseRecipe, Recipe } from "../../src/recipe/recipe.ts";
import { otherFactor } from "../../src/report/scale-warnings.ts";
import { rejection } from "../support/memory-folder.ts";
import { openPico, type PicoAdapter, randomAdapter } from "../support/pico.ts";

const modules = { q: { in: 12, out: 10 }, v: { in: 12, out: 7 } };
const random = (seed: number, rank = 3): PicoAdapter => randomAdapter(seed, { rank, modules });
const open = (adapters: readonly PicoAdapter[]): Promise<Adapter[]> =>
  Promise.all(adapters.map((adapter, t) => openPico(`a${t}`, adapter)));

async function merge(adapters: readonly PicoAdapter[], recipe: LooseRecipe): Promise<MergedAdapter> {
  return mergeInMemory(await open(adapters), recipe as Recipe);
}

/** B times a factor: a delta times it. */
function times({ modules: own, ...rest }: PicoAdapter, factor: number): PicoAdapter {
  const scaled = Object.entries(own).map(([name, module]) => {
    const B = (module.B as readonly (readonly number[])[]).map((row) => row.map((x) => x * factor));
    return [name, { ...module, B }] as const;
  });
  return { ...rest, modules: Object.fromEntries(scaled) };
}

describe("scale: auto", () => {
  it.each(["f32", "f16", "bf16"] as const)("writes the bytes that its factor gives in %s", async (dtype) => {
    const adapters = [1, 2, 3].map((seed) => random(seed));
    for (const method of ["lego", "tsv", "ties_svd", "linear"]) {
      const auto = await merge(adapters, { method, dtype, scale: "auto" });
      const { factor } = auto.report.autoScale!;
      expect(factor).not.toBe(1);
      const given = await merge(adapters, { method, dtype, scale: factor });
      expect(auto.weights).toEqual(given.weights);
      expect(auto.plan).toEqual(given.plan);
      const { autoScale, advice, timings, warnings } = auto.report;
      const ofFactor = warnings.filter(({ id }) => id === "scale-uncertain");
      expect(auto.report).toEqual({
        ...given.report,
        ...{ autoScale, advice, timings },
        warnings: [...ofFactor, ...given.report.warnings],
      });
      expect(given.report.autoScale).toBeNull();
    }
  });

  it("names no other factor where an adapter is lost, which none brings back", async () => {
    // The small one has cosine 0.04 with the large one, which answers it 6 times as strongly as it is.
    const of = (row: readonly number[], size: number): PicoAdapter => ({
      modules: { q: { A: [row], B: row.map((x) => [size * x]) } },
    });
    const adapters = [of([1, 0], 1), of([0.2, 0.98], 1 / 150)];
    const { autoScale, warnings } = (await merge(adapters, { method: "tsv", scale: "auto" })).report;
    expect(otherFactor(autoScale!)).not.toBeNull();
    expect(warnings.map(({ id }) => id)).toEqual(["lost-adapter"]);
  });

  it("lets a sum of unrelated adapters of one size hold 1 / sqrt(T + 1 - 1 / T^3) of each", async () => {
    // Adapter t maps input t to output t.
    const unit = (t: number, size: number): PicoAdapter => {
      const row = [0, 1, 2].map((i) => (i === t ? 1 : 0));
      return { modules: { q: { A: [row], B: row.map((x) => [size * x]) } } };
    };
    const factorOf = async (adapters: readonly PicoAdapter[]): Promise<number> =>
      (await merge(adapters, { method: "cat", scale: "auto" })).report.autoScale!.factor;
    expect(await factorOf([unit(0, 1), unit(1, 1)])).toBe(0.5898); // 1 / sqrt(23 / 8)
    expect(await factorOf([unit(0, 2), unit(1, 2), unit(2, 2)])).toBe(0.5023); // 1 / sqrt(107 / 27)
    // Squares 1 and 4 count as 25 / 17 adapters.
    expect(await factorOf([unit(0, 1), unit(1, 2)])).toBe(0.681); // 1 / sqrt(25 / 17 + 1 - (17 / 25)^3)
  });

  it("does not depend on the order of the adapters", async () => {
    const adapters = [1, 2, 3, 4].map((seed) => times(random(seed), seed / 2));
    const [one, other] = [
      await merge(adapters, { method: "tsv", scale: "auto" }),
      await merge([...adapters].reverse(), { method: "tsv", scale: "auto" }),
    ];
    expect(one.report.autoScale).toEqual(other.report.autoScale);
    expect(one.weights).toEqual(other.weights);
  });

  it("is 1 for one adapter, whatever it is cut to or weighted with", async () => {
    for (const recipe of [
      {},
      { target: { kind: "rank", rank: 2 } },
      { method: "svd", weights: [0.5] },
    ] as LooseRecipe[]) {
      const { report } = await merge([random(1)], { ...recipe, scale: "auto" });
      expect(report.autoScale).toMatchObject({ factor: 1, rule: "one adapter" });
    }
    const zero = times(random(2), 0);
    const beside = await merge([random(1), zero], { method: "average", scale: "auto" });
    expect(beside.report.autoScale).toMatchObject({ factor: 1, rule: "one adapter" });
  });

  it("gives back an adapter that is passed twice, at any strength that a sum or mean has", async () => {
    for (const { id, needs } of METHODS.filter(({ single }) => single === "exact")) {
      if (needs.adapters !== undefined && needs.adapters !== 2) continue;
      const { report } = await merge([random(1), random(1)], { method: id, scale: "auto" });
      // pico rescales by itself, to the mean norm rather than to the delta.
      expect([id, report.totals.normRatio!.toFixed(id === "pico" ? 1 : 3)]).toEqual([
        id,
        id === "pico" ? "1.0" : "1.000",
      ]);
    }
  });

  it("takes weights as the method does: as ratios, or as factors", async () => {
    const adapters = [random(1), random(2)];
    const norm = async (method: string, weights: readonly number[]) =>
      (await merge(adapters, { method, weights, scale: "auto" })).report.totals.normRatio!;
    for (const method of ["lego", "average"])
      expect(await norm(method, [2, 2])).toBeCloseTo(await norm(method, [1, 1]), 9);
    expect(await norm("svd", [0.5, 0.5])).toBeCloseTo(0.5 * (await norm("svd", [1, 1])), 3);
    expect(await norm("svd", [1, -1])).toBeGreaterThan(0.3);
  });

  it("hardly notices an adapter that is far smaller than the other", async () => {
    const alone = await merge([random(1)], { method: "svd", scale: "auto" });
    const beside = await merge([random(1), times(random(2), 1e-3)], { method: "svd", scale: "auto" });
    expect(beside.report.totals.normRatio! / 2).toBeCloseTo(alone.report.totals.normRatio!, 2);
  });

  it("takes 1 and says so where the adapters cancel each other out", async () => {
    const { report } = await merge([random(1), times(random(1), -1)], { method: "ties_svd", scale: "auto" });
    expect(report.autoScale).toMatchObject({ factor: 1, rule: "no direction" });
    expect(report.warnings.map(({ id }) => id)).toContain("scale-unknown");
  });

  it.each([-0.9, -0.99])("takes 1 and says so where one adapter is %f times the other", async (strength) => {
    for (const method of ["tsv", "average"]) {
      const { report } = await merge([random(1), times(random(1), strength)], { method, scale: "auto" });
      expect(report.autoScale).toMatchObject({ factor: 1, rule: "no direction" });
      expect(report.warnings.map(({ id }) => id)).toContain("scale-unknown");
    }
  });

  it("measures only the modules that are merged", async () => {
    const adapters = [random(1), random(2)];
    const { report } = await merge(adapters, { method: "tsv", scale: "auto", include: ["q"] });
    const alone = adapters.map((adapter) => ({ ...adapter, modules: { q: adapter.modules.q! } }));
    expect(report.autoScale).toEqual((await merge(alone, { method: "tsv", scale: "auto" })).report.autoScale);
  });

  it("counts what f16 rounds to zero after the factor, and refuses what it cannot hold", async () => {
    const tiny = await merge(
      [1, 2].map((seed) => times(random(seed), 1e-14)),
      { method: "lego", dtype: "f16", scale: "auto" },
    );
    expect(tiny.report.warnings.map(({ id }) => id)).toContain("underflow");
    const huge = [1, 2].map((seed) => times(random(seed), 1e12));
    expect(await rejection(merge(huge, { method: "lego", dtype: "f16", scale: "auto" }))).toEqual(
      new RefusedError("q has values that f16 cannot hold (they would become infinite); pass --dtype f32."),
    );
  });

  it("keeps heads and biases, and a rank that values make smaller", async () => {
    const head = { extras: { "base_model.model.score.weight": [[1, 2]] } };
    const adapters = [1, 2].map((seed) => ({ ...random(seed), ...head }));
    const auto = await merge(adapters, { extras: "first", scale: "auto", target: { kind: "rank", rank: 9 } });
    const { factor } = auto.report.autoScale!;
    const given = await merge(adapters, { extras: "first", scale: factor, target: { kind: "rank", rank: 9 } });
    expect(auto.weights).toEqual(given.weights);
    expect(auto.plan.rank).toBe(6);
  });
});
