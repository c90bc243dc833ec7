import { describe, expect, it } from "vitest";
import { asSaid, carriedOut } from "../../src/plan/carried-out.ts";
import { makePlan } from "../../src/plan/plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { recipeFlags } from "../../src/recipe/recipe-flags.ts";
import { openPico, randomAdapter } from "../support/pico.ts";

const flagsOf = (recipe: Parameters<typeof recipeFlags>[0]): string =>
  recipeFlags(recipe)
    .flatMap(({ words }) => words)
    .join(" ");

describe("a recipe as flags", () => {
  it("has a flag for each kind of field, and for options of the method", () => {
    const recipe = {
      method: "lego",
      weights: [1, -0.5],
      target: { kind: "energy", rule: "sv_fro", threshold: 0.9 },
      scale: 0.5,
      allowPartial: true,
      include: ["q_proj", "layers.1*.**"],
      moduleWeights: [{ match: "v_proj", weights: [1, 0] }],
      blockWeights: [
        [1, 0.5],
        [1, 1],
      ],
      options: { gauge: "balanced", outputReweight: false },
    } as const;
    expect(flagsOf(recipe)).toBe(
      "--method lego --weights 1,-0.5 --energy sv_fro=0.9 --scale 0.5 --allow-partial --include q_proj --include 'layers.1*.**' --module-weights v_proj=1,0 --block-weights 1,0.5 --block-weights 1,1 --gauge balanced --output-reweight off",
    );
  });

  it("leaves out what has no flag, because it goes without saying", () => {
    expect(flagsOf({ method: "cat", target: { kind: "full" }, allowPartial: false })).toBe("--method cat");
  });
});

describe("a recipe that was carried out", () => {
  const said: Recipe[] = [
    { method: "lego" },
    { method: "cat", weights: [1, 2] },
    { method: "svd", target: { kind: "rank", rank: 1 }, dtype: "f16" },
    { method: "tsv", scale: "auto", target: { kind: "budget", rank: 2 }, exclude: ["layers.0.**"] },
    { method: "lego", options: { gauge: "balanced", effort: 2 }, rankLayout: "pattern", extras: "drop" },
  ];
  it.each(said)("is said in as few words as before: %j", async (recipe) => {
    const adapters = await Promise.all([0, 1].map((t) => openPico(`a${t}`, randomAdapter(t))));
    const plan = makePlan(adapters, recipe);
    const back = asSaid(carriedOut(recipe, plan), adapters);
    expect(back).toEqual({ options: {}, ...recipe });
    expect(makePlan(adapters, back as Recipe)).toEqual(plan);
  });
});
