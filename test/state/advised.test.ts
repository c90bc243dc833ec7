import { beforeEach, describe, expect, it } from "vitest";
import { ALL, advisedPage, inputOf, madeOf, recommend, weightsOf } from "./advised-page.ts";

let page: Awaited<ReturnType<typeof advisedPage>>["page"];
let advised: Awaited<ReturnType<typeof advisedPage>>["advised"];
beforeEach(async () => {
  ({ page, advised } = await advisedPage());
});

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
    expect(weightsOf(page)).toEqual([
      ["one", 2],
      ["two", 1],
      ["zero", 1],
    ]);
  });

  it("weighs adapters by their names, in whatever order they stand now", () => {
    const made = madeOf({ method: "lego" }, ...ALL);
    page.move(page.adapters.value[0]!.key, 1);
    advised.applyFix({ why: "", leaves: [0], weights: [1, 1, 5] }, made, advised.openInputs(made)!);
    expect(weightsOf(page)).toEqual([
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
    recommend(page, 6, 12);
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
