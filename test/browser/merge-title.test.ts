import { describe, expect, it } from "vitest";
import { mergeTitle } from "../../src/browser/merge-title.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import type { MergeReport } from "../../src/report/report.ts";

const titled = (recipe: Recipe, ...weights: readonly number[]) => {
  const inputs = weights.map((weight, t) => ({ name: `a${t}`, weight }));
  return mergeTitle({ options: { method: "tsv" }, totals: { rank: 12 }, inputs } as unknown as MergeReport, recipe);
};

describe("a merge's title", () => {
  it("is its method and rank where nothing else was asked for", () => {
    const said = { title: "tsv, rank 12", name: "merged-tsv-r12" };
    expect(titled({ method: "auto", target: { kind: "rank", rank: 12 } }, 1, 1)).toEqual(said);
    expect(titled({}, 1)).toEqual(said);
  });

  it("tells merges apart by whatever differs, the folder's name too", () => {
    const asked = { method: "lego", options: { gauge: "balanced" }, scale: 4.31, for: "vllm" } as const;
    expect(titled(asked, 1, 0.5)).toEqual({
      title: "tsv, rank 12, factor 4.31, for vLLM, gauge balanced, weights 1 0.5",
      name: "merged-tsv-r12-scale-4.31-for-vllm-gauge-balanced-weights-1-0.5",
    });
    expect(titled({ exclude: ["layers.0.**"], dtype: "f32" }, 1, 1).name).toMatch(/^merged-tsv-r12(-[\w.]+)+$/);
  });

  it("stays short with many weights and long patterns", () => {
    expect(titled({}, ...Array.from({ length: 9 }, () => 2)).title).toBe("tsv, rank 12, own weights");
    const { name } = titled({ include: ["layer.".repeat(60)] }, 1);
    expect(name.length).toBeLessThanOrEqual(120);
    expect(name).toMatch(/\w$/);
  });
});
