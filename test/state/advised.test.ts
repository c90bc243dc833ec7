import { beforeEach, describe, expect, it } from "vitest";
import type { Audit } from "../../src/analysis/audit/audit-set.ts";
import type { MadeMerge } from "../../web/state/merge.ts";
import { freshPage, openAll, type Page } from "./page.ts";

let page: Page;
let advised: typeof import("../../web/state/advised.ts");
beforeEach(async () => {
  page = await freshPage();
  advised = await import("../../web/state/advised.ts");
  await openAll(page, "one", "two", "zero");
});

const inputOf = (name: string, weight = 1) => ({ name, weight, baseModel: null, modules: 1 });
/** A result of these adapters. */
const madeOf = (recipe: object, ...inputs: readonly object[]): MadeMerge =>
  ({
    name: "merged-lego-r2",
    recipe,
    report: { inputs, options: { method: "lego" }, totals: { rank: 2 } },
  }) as unknown as MadeMerge;
const ALL = ["one", "two", "zero"].map((name) => inputOf(name));
const weights = () => page.openAdapters.value.map(({ name, weight }) => [name, weight]);
/** What the overview recommends. */
function recommend(rank: number, lego: number): void {
  const recommendation = { method: "tsv", rank, lego: { method: "lego", rank: lego } };
  page.audited.value = { audit: { recommendation } as unknown as Audit, lost: [] };
}

describe("what a result is advised", () => {
  it("changes the merge that it is about, whatever the form says now", () => {
    page.recipe.value = { method: "ties", options: { density: 0.5 }, target: { kind: "rank", rank: 9 } };
    const made = madeOf({ method: "lego", options: { sign: "align" } }, inputOf("one", 2), ...ALL.slice(1));
    advised.applyFix({ why: "", rank: 4, options: { gauge: "balanced" } }, made, advised.openInputs(made)!);
    expect(page.recipe.value).toEqual({
      method: "lego",
      options: { sign: "align", gauge: "balanced" },
      target: { kind: "rank", rank: 4 },
    });
    expect(weights()).toEqual([
      ["one", 2],
      ["two", 1],
      ["zero", 1],
    ]);
  });

  it("weighs adapters by their names, in whatever order they stand now", () => {
    const made = madeOf({ method: "lego" }, ...ALL);
    page.move(page.adapters.value[0]!.key, 1);
    advised.applyFix({ why: "", leaves: [0], weights: [1, 1, 5] }, made, advised.openInputs(made)!);
    expect(weights()).toEqual([
      ["two", 1],
      ["one", 0],
      ["zero", 5],
    ]);
  });

  it.each([
    ["fewer", ALL.slice(1)],
    ["more", [...ALL, inputOf("four")]],
    ["others", [...ALL.slice(1), inputOf("four")]],
    ["namesakes of another base", [...ALL.slice(1), { ...inputOf("one"), baseModel: "llama" }]],
    ["namesakes of more modules", [...ALL.slice(1), { ...inputOf("one"), modules: 2 }]],
  ])("is for no other adapters: of %s", (_, inputs) => {
    expect(advised.openInputs(madeOf({}, ...inputs))).toBeNull();
    expect(advised.openInputs(madeOf({}, ...ALL))).toHaveLength(3);
  });

  it("leaves the rank of another method to the overview", () => {
    recommend(6, 12);
    const made = madeOf({ method: "lego", options: { sign: "align" }, target: { kind: "rank", rank: 12 } }, ...ALL);
    advised.applyFix({ why: "", method: "auto" }, made, advised.openInputs(made)!);
    expect(page.recipe.value).toEqual({ method: "auto" });
    expect(page.wanted.value).toEqual({ method: "auto", target: { kind: "rank", rank: 6 } });
  });

  it("is a command line where adapters have to change first", () => {
    const made = madeOf({ method: "lego", target: { kind: "rank", rank: 2 } }, ...ALL);
    const fix = { why: "", sizes: [210, 1, 1], options: { gauge: "balanced" } };
    expect(advised.commandOf(fix, made)).toBe(
      "lora-lego merge one --method cat --scale 210 --out one-2 && " +
        "lora-lego merge one-2 two zero --method lego --rank 2 --gauge balanced --out merged-lego-r2-3",
    );
  });
});

describe("the recommended rank", () => {
  it("fills an empty rank of auto, of the method that it is for, and of LEGO, until the field is emptied", () => {
    recommend(6, 12);
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
    recommend(6, 12);
    expect(page.wanted.value.target).toEqual({ kind: "rank", rank: 6 });
  });

  it("is where the module's k begins, and not where that of the first view was", async () => {
    const { intro } = await import("../../web/state/intro.ts");
    intro.value = true;
    page.wantedK.value = 4;
    intro.value = false;
    expect(page.wantedK.value).toBeNull();
    recommend(6, 2);
    const units = [0, 0, 0, 1, 1].map((t, i) => ({ id: [t, i], lengthA: 1, lengthB: 1 }));
    page.plane.value = { units } as unknown as typeof page.plane.value;
    expect(page.k.value).toBe(2);
    page.wantedK.value = 5;
    expect(page.k.value).toBe(5);
  });
});

describe("what an audit finds in a result", () => {
  const signature = (id: string, found: boolean) => ({ id, found, figure: 1, limit: 1, text: "" });
  const shown = (recipe: object) => {
    const made = { ...madeOf(recipe, ...ALL), number: 4, files: {}, checks: null };
    page.merges.value = [made, { ...made, number: 3, files: {} }];
    return made;
  };

  it("is asked once, of the adapters that it was made of, and kept with the result", async () => {
    const { lookAt } = await import("../../web/state/checked.ts");
    const made = shown({ method: "lego" });
    const inputs = advised.openInputs(made)!;
    lookAt(made, inputs);
    lookAt(made, inputs);
    const asked = await page.worker.next("check");
    expect(asked.args[0]).toEqual([1, 2, 3]);
    asked.answer({ signatures: [], fixes: [] });
    await page.settled();
    expect(page.merges.value.map(({ checks }) => checks)).toEqual([{ signatures: [], fixes: [] }, null]);
    lookAt(page.merges.value[0]!, inputs);
    await page.settled();
    expect(page.worker.waiting).not.toContain("check");
  });

  it("is unknown where units are too many, and says why", async () => {
    const { lookAt } = await import("../../web/state/checked.ts");
    const made = shown({ method: "tsv" });
    lookAt(made, advised.openInputs(made)!);
    (await page.worker.next("check")).answer(null);
    await page.settled();
    expect(page.merges.value[0]!.checks).toEqual({ unknown: "a module has more units than are compared." });
  });

  it("is asked again after a look that failed, which is told and not kept with the result", async () => {
    const { failedLooks, lookAt } = await import("../../web/state/checked.ts");
    const made = shown({ method: "tsv" });
    const inputs = advised.openInputs(made)!;
    const failed = () => [...failedLooks.value];
    lookAt(made, inputs);
    (await page.worker.next("check")).refuse(new Error("one is gone."));
    await page.settled();
    expect(page.merges.value[0]!.checks).toBeNull();
    expect(failed()).toEqual([[made.files, "one is gone."]]);
    lookAt(page.merges.value[0]!, inputs);
    expect(failed()).toEqual([]);
    (await page.worker.next("check")).answer({ signatures: [], fixes: [] });
    await page.settled();
    expect(page.merges.value[0]!.checks).toEqual({ signatures: [], fixes: [] });
  });

  it.each([
    ["scale-too-small", true, 2],
    ["scale-too-large", true, 2],
    ["scale-too-small", false, null],
    ["rank-too-low", true, null],
  ])("offers the factor that the adapters ask for: %s found is %j", async (id, found, scale) => {
    const { scaleFix } = await import("../../web/state/checked.ts");
    const fixes = [
      { why: "", method: "auto" },
      { why: "", scale: 2 },
    ];
    const made = madeOf({}, ...ALL);
    const checks = { signatures: [signature(id, found)], fixes } as unknown as MadeMerge["checks"];
    expect(scaleFix({ ...made, checks })?.scale ?? null).toBe(scale);
    expect(scaleFix({ ...made, checks: { unknown: "" } })).toBeNull();
  });
});

describe("a rank of which most is idle", () => {
  it("has its remedy as a command line, which the page prints", async () => {
    const { resizeFix } = await import("../../web/state/checked.ts");
    const made = madeOf({ method: "average" }, ...ALL);
    const fix = { why: "Fewer ranks hold nearly the same deltas.", energy: "sv_fro=0.995" };
    const checks = { signatures: [], fixes: [{ why: "", method: "auto" }, fix] } as unknown as MadeMerge["checks"];
    expect(resizeFix({ ...made, checks })).toEqual(fix);
    expect(resizeFix({ ...made, checks: null })).toBeNull();
    expect(advised.commandOf(fix, made)).toBe(
      "lora-lego resize merged-lego-r2 --energy sv_fro=0.995 --out merged-lego-r2-2",
    );
  });
});

describe("weights", () => {
  it("stay where a merge is set up that names none, but for adapters that it leaves out", async () => {
    const { mergeAsRecommended } = await import("../../web/state/suggested.ts");
    page.weigh(page.adapters.value[0]!.key, 0.5);
    mergeAsRecommended("auto", { rank: 4, leaves: [2], extras: null });
    expect(weights().map(([, weight]) => weight)).toEqual([0.5, 1, 0]);
    mergeAsRecommended("auto", { rank: 4, leaves: [], extras: null }, [1, 1, 210]);
    expect(weights().map(([, weight]) => weight)).toEqual([1, 1, 210]);
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
    const { bestRecipes } = await import("../../web/state/best-recipes.ts");
    const scales = () => new Set(bestRecipes().map(({ scale }) => scale));
    page.ask({ scale: 0.5 });
    page.askMethod("ties");
    expect(page.recipe.value).toEqual({ method: "ties", scale: 0.5 });
    expect(scales()).toEqual(new Set([0.5]));
    advise();
    expect(scales()).toEqual(new Set(["auto"]));
  });
});

describe("the rank in the form", () => {
  it("stays with another method, of which the overview recommends none", () => {
    recommend(12, 10);
    page.askMethod("ties");
    expect(page.recipe.value).toEqual({ method: "ties", target: { kind: "rank", rank: 12 } });
    page.recipe.value = { method: "auto" };
    page.askMethod("lego");
    expect(page.recipe.value).toEqual({ method: "lego" });
    expect(page.wanted.value.target).toEqual({ kind: "rank", rank: 10 });
  });

  it("stays where it was typed, by whatever method", async () => {
    const { mergeAsRecommended } = await import("../../web/state/suggested.ts");
    recommend(8, 6);
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
    recommend(8, 6);
    const rank = (method: string) => {
      page.askMethod(method);
      return page.wanted.value.target;
    };
    mergeAsRecommended("lego", { rank: 6, leaves: [], extras: null });
    expect(rank("auto")).toEqual({ kind: "rank", rank: 8 });
    expect(rank("ties")).toEqual({ kind: "rank", rank: 8 });
    expect(rank("lego")).toEqual({ kind: "rank", rank: 6 });
    expect(rank("auto")).toEqual({ kind: "rank", rank: 8 });
  });
});
