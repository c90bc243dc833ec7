import { beforeEach, describe, expect, it } from "vitest";
import { ALL, advisedPage, madeOf, recommend, weightsOf } from "./advised-page.ts";

let page: Awaited<ReturnType<typeof advisedPage>>["page"];
let advised: Awaited<ReturnType<typeof advisedPage>>["advised"];
beforeEach(async () => {
  ({ page, advised } = await advisedPage());
});

describe("the recommended rank", () => {
  it("fills an empty rank of auto, of the method that it is for, and of LEGO, until the field is emptied", () => {
    recommend(page, 6, 12);
    const rank = (method: string) => {
      page.recipe.value = { method } as typeof page.recipe.value;
      return page.wanted.value.target;
    };
    expect(["auto", "tsv", "lego", "ties"].map(rank)).toEqual([
      { kind: "rank", rank: 6 },
      { kind: "rank", rank: 6 },
      { kind: "rank", rank: 12 },
      undefined,
    ]);
    page.recipe.value = { method: "auto", target: { kind: "rank", rank: 3 } };
    expect(page.wanted.value.target).toEqual({ kind: "rank", rank: 3 });
    page.typeRank("");
    expect(page.wanted.value).toEqual({ method: "auto" });
    // Other adapters are another question.
    page.remove(page.adapters.value[0]!.key);
    recommend(page, 6, 12);
    expect(page.wanted.value.target).toEqual({ kind: "rank", rank: 6 });
  });

  it("is where the module's k begins, and not where that of the first view was", async () => {
    const { intro } = await import("../../web/state/intro.ts");
    intro.value = true;
    page.wantedK.value = 4;
    intro.value = false;
    expect(page.wantedK.value).toBeNull();
    recommend(page, 6, 2);
    const units = [0, 0, 0, 1, 1].map((t, i) => ({ id: [t, i], lengthA: 1, lengthB: 1 }));
    page.plane.value = { units } as unknown as typeof page.plane.value;
    expect(page.k.value).toBe(2);
    page.wantedK.value = 5;
    expect(page.k.value).toBe(5);
  });
});

describe("weights", () => {
  it("stay where a merge is set up that names none, but for adapters that it leaves out", async () => {
    const { mergeAsRecommended } = await import("../../web/state/suggested.ts");
    page.weigh(page.adapters.value[0]!.key, 0.5);
    mergeAsRecommended("auto", { rank: 4, leaves: [2], extras: null });
    expect(weightsOf(page).map(([, weight]) => weight)).toEqual([0.5, 1, 0]);
    mergeAsRecommended("auto", { rank: 4, leaves: [], extras: null }, [1, 1, 210]);
    expect(weightsOf(page).map(([, weight]) => weight)).toEqual([1, 1, 210]);
  });
});

describe("a factor in the form", () => {
  const three = () => madeOf({ method: "lego" }, ...ALL);
  /** Advice that computed a factor for a result was followed. */
  const advise = () => advised.applyFix({ why: "", scale: 4.31 }, three(), advised.openInputs(three())!);

  it("goes with the method that it was computed for", () => {
    advise();
    expect(page.recipe.value).toEqual({ method: "lego", scale: 4.31 });
    page.askMethod("auto");
    expect(page.recipe.value).toEqual({ method: "auto" });
  });

  /** Advice that names no factor was followed, for a result that has one. */
  const adviseOn = (scale: number, fix: object) => {
    const scaled = madeOf({ method: "lego", scale }, ...ALL);
    advised.applyFix({ why: "", ...fix }, scaled, advised.openInputs(scaled)!);
  };

  it("goes where advice names another method, and stays with advice that names none", () => {
    advise();
    adviseOn(4.31, { rank: 4 });
    expect(page.recipe.value.scale).toBe(4.31);
    page.askMethod("tsv");
    expect(page.recipe.value.scale).toBeUndefined();
    adviseOn(4.31, { method: "auto" });
    expect(page.recipe.value).toEqual({ method: "auto" });
  });

  it("is the user's own where advice on their result names none, and stays with every method", () => {
    advise();
    adviseOn(0.5, { rank: 4 });
    page.askMethod("tsv");
    expect(page.recipe.value.scale).toBe(0.5);
  });

  it("is the user's own after the form was filled from elsewhere, be it the same number", async () => {
    const { mergeAsRecommended, mergeAtK } = await import("../../web/state/suggested.ts");
    const { restoreFile } = await import("../../web/state/page-state.ts");
    for (const fill of [
      () => restoreFile({ recipe: { method: "lego" } }),
      () => mergeAsRecommended("lego", { rank: 4, leaves: [], extras: null }),
      () => mergeAtK(4),
    ]) {
      advise();
      fill();
      page.ask({ scale: 4.31 });
      page.askMethod("tsv");
      expect(page.recipe.value.scale).toBe(4.31);
    }
  });

  it("stays with every method where the user typed it, of the five best too", async () => {
    const { BEST, bestRecipes } = await import("../../web/state/best-recipes.ts");
    const scales = () =>
      new Set(
        bestRecipes()
          .slice(0, BEST)
          .map(({ scale }) => scale),
      );
    page.ask({ scale: 0.5 });
    page.askMethod("ties");
    expect(page.recipe.value).toEqual({ method: "ties", scale: 0.5 });
    expect(scales()).toEqual(new Set([0.5]));
    advise();
    expect(scales()).toEqual(new Set(["auto"]));
  });
});

describe("the rank in the form", () => {
  it("goes with the method that it was filled in for, be another one recommended or none", () => {
    recommend(page, 12, 10);
    page.askMethod("cat");
    expect(page.wanted.value).toEqual({ method: "cat" });
    page.recipe.value = { method: "auto" };
    page.askMethod("lego");
    expect(page.recipe.value).toEqual({ method: "lego" });
    expect(page.wanted.value.target).toEqual({ kind: "rank", rank: 10 });
  });

  it("stays where it was typed, by whatever method", async () => {
    const { mergeAsRecommended } = await import("../../web/state/suggested.ts");
    recommend(page, 8, 6);
    page.typeRank("5");
    page.askMethod("lego");
    expect(page.wanted.value.target).toEqual({ kind: "rank", rank: 5 });
    // What a button fills in is nobody's wish for another method.
    mergeAsRecommended("auto", { rank: 8, leaves: [], extras: null });
    page.askMethod("lego");
    expect(page.wanted.value.target).toEqual({ kind: "rank", rank: 6 });
    page.typeRank("5");
    advised.applyFix({ why: "", rank: 4 }, madeOf({ method: "lego" }, ...ALL), advised.openInputs(madeOf({}, ...ALL))!);
    page.askMethod("auto");
    expect(page.wanted.value.target).toEqual({ kind: "rank", rank: 8 });
    page.typeRank("");
    expect(page.wanted.value.target).toBeUndefined();
  });

  it("is the recommended one of the next method, whatever way led to the one before", async () => {
    const { mergeAsRecommended } = await import("../../web/state/suggested.ts");
    recommend(page, 8, 6);
    const rank = (method: string) => {
      page.askMethod(method);
      return page.wanted.value.target;
    };
    mergeAsRecommended("lego", { rank: 6, leaves: [], extras: null });
    expect(rank("auto")).toEqual({ kind: "rank", rank: 8 });
    expect(rank("ties")).toBeUndefined();
    expect(rank("lego")).toEqual({ kind: "rank", rank: 6 });
    expect(rank("auto")).toEqual({ kind: "rank", rank: 8 });
  });
});
