import { beforeEach, describe, expect, it } from "vitest";
import type { MadeMerge } from "../../web/state/merge.ts";
import { ALL, advisedPage, madeOf } from "./advised-page.ts";

let page: Awaited<ReturnType<typeof advisedPage>>["page"];
let advised: Awaited<ReturnType<typeof advisedPage>>["advised"];
beforeEach(async () => {
  ({ page, advised } = await advisedPage());
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
