import { beforeEach, describe, expect, it } from "vitest";
import type { Asked } from "./fake-worker.ts";
import { freshPage, openAll, type Page } from "./page.ts";

let page: Page;
beforeEach(async () => {
  page = await freshPage();
});

const plan = (rank: number) => ({ bytes: 8, rank, dtype: "f32", modules: 1 });

describe("the estimate", () => {
  it("plans what is open and asked for, anew with every change", async () => {
    await openAll(page, "one");
    expect((await page.worker.next("estimate")).args).toEqual([
      [{ id: 1, name: "one", weight: 1 }],
      { method: "auto" },
    ]);
    page.ask({ target: { kind: "rank", rank: 2 }, scale: 0.5 });
    const asked = await page.worker.next("estimate");
    expect(asked.args[1]).toEqual({ method: "auto", target: { kind: "rank", rank: 2 }, scale: 0.5 });
    asked.answer(plan(2));
    await page.settled();
    expect(page.estimate.value).toEqual(plan(2));
    expect(page.refusal.value).toBeNull();
    page.weigh(page.adapters.value[0]!.key, 3);
    expect(page.estimate.value).toBeNull();
    expect((await page.worker.next("estimate")).args[0]).toEqual([{ id: 1, name: "one", weight: 3 }]);
    page.ask({ scale: undefined, target: undefined });
    expect((await page.worker.next("estimate")).args[1]).toEqual({ method: "auto" });
  });

  it("drops the plan and the error of an older wish", async () => {
    await openAll(page, "one");
    const first = await page.worker.next("estimate");
    page.ask({ method: "ties" });
    const second = await page.worker.next("estimate");
    page.ask({ method: "svd" });
    const third = await page.worker.next("estimate");
    third.answer(plan(3));
    first.answer(plan(1));
    second.refuse(new Error("no ties"));
    await page.settled();
    expect(page.estimate.value).toEqual(plan(3));
  });

  it("shows why the newest is refused, by the worker's answer or its error", async () => {
    await openAll(page, "one");
    (await page.worker.next("estimate")).answer({ refused: "one has no ranks." });
    await page.settled();
    expect(page.refusal.value).toBe("one has no ranks.");
    page.ask({ method: "ties" });
    expect(page.refusal.value).toBeNull();
    (await page.worker.next("estimate")).refuse(new Error("The worker failed."));
    await page.settled();
    expect(page.refusal.value).toBe("The worker failed.");
  });

  it("is none where no adapter is open any more", async () => {
    await openAll(page, "one");
    const asked = await page.worker.next("estimate");
    page.remove(page.adapters.value[0]!.key);
    asked.answer(plan(1));
    await page.settled();
    expect(page.estimate.value).toBeNull();
    expect(page.worker.waiting).not.toContain("estimate");
  });
});

/** A result; another byte makes it another one. */
const madeOf = (byte: number) => ({
  title: "svd, rank 2",
  report: { inputs: [], modules: [], options: { method: "svd" }, totals: { rank: 2, shares: [], cosines: [] } },
  files: { "a.json": new Uint8Array([byte]) },
});
const made = madeOf(1);
/** The worker is done with some modules. */
const tell = ({ args }: Asked, done: number): Promise<void> =>
  (args[2] as (progress: object) => Promise<void>)({ done, total: 4 });

describe("a merge", () => {
  beforeEach(() => openAll(page, "one"));

  it("shows how far it is, and its result first", async () => {
    const merging = page.startMerge();
    expect(page.progress.value).toEqual({ done: 0, total: 1, of: "" });
    const asked = await page.worker.next("merge");
    expect(asked.args.slice(0, 2)).toEqual([[{ id: 1, name: "one", weight: 1 }], { method: "auto" }]);
    await tell(asked, 3);
    expect(page.progress.value).toEqual({ done: 3, total: 4, of: "" });
    asked.answer(made);
    await merging;
    expect(page.merges.value).toMatchObject([{ number: 1, ...made }]);
    expect(page.merges.value[0]!.seconds).toBeGreaterThan(0);
    expect(page.announcement.value).toBe("Merged: 1. svd, rank 2.");
    expect(page.progress.value).toBeNull();
    await tell(asked, 4);
    expect(page.progress.value).toBeNull();
  });

  it("runs alone", async () => {
    const merging = page.startMerge();
    const asked = await page.worker.next("merge");
    await page.startMerge();
    await page.settled();
    expect(page.worker.waiting).not.toContain("merge");
    asked.answer(made);
    await merging;
    expect(page.merges.value).toHaveLength(1);
  });

  it("keeps the last six results, whose numbers go on", async () => {
    for (let merge = 1; merge <= 7; merge++) {
      const merging = page.startMerge();
      (await page.worker.next("merge")).answer(madeOf(merge));
      await merging;
    }
    expect(page.merges.value.map(({ number }) => number)).toEqual([7, 6, 5, 4, 3, 2]);
    expect(page.droppedMerges.value).toEqual(["1. svd, rank 2"]);
  });

  it("shows a result that is there already again, and does not add it", async () => {
    for (const byte of [1, 2]) {
      const merging = page.startMerge();
      (await page.worker.next("merge")).answer(madeOf(byte));
      await merging;
    }
    const merging = page.mergeByBest([{ method: "tsv" }, { method: "ctm" }], 2);
    for (const byte of [1, 3]) (await page.worker.next("merge")).answer(madeOf(byte));
    await merging;
    // It stands where it was made again: first of the newest run.
    expect(page.merges.value.map(({ number }) => number)).toEqual([1, 3, 2]);
    expect(page.shownMerge.value).toBe(1);
    // It is looked at again, though it is not new.
    expect(page.landed.value).toBe(3);
  });

  it("stands in the order of several recipes, whatever of them was there already", async () => {
    const merging = page.startMerge();
    (await page.worker.next("merge")).answer(madeOf(2));
    await merging;
    const all = page.mergeByBest([{ method: "tsv" }, { method: "ctm" }, { method: "svd" }], 3);
    for (const byte of [1, 2, 3]) (await page.worker.next("merge")).answer(madeOf(byte));
    await all;
    expect(page.merges.value.map(({ number }) => number)).toEqual([2, 1, 3]);
    expect(page.droppedMerges.value).toEqual([]);
  });

  it("goes by several recipes one after the other, and shows the first result, which stands first", async () => {
    const merging = page.mergeByBest([{ method: "tsv" }, { method: "ctm" }, { method: "svd" }], 3);
    const first = await page.worker.next("merge");
    expect(page.progress.value?.of).toBe("tsv, 1 of 3: ");
    first.answer(made);
    const second = await page.worker.next("merge");
    expect(second.args[1]).toEqual({ method: "ctm" });
    expect(page.progress.value?.of).toBe("ctm, 2 of 3: ");
    second.answer(madeOf(2));
    (await page.worker.next("merge")).refuse(new DOMException("This operation was aborted", "AbortError"));
    await merging;
    // The best stands first, whatever else was made before or comes after.
    expect(page.merges.value.map(({ number }) => number)).toEqual([1, 2]);
    const later = page.startMerge();
    (await page.worker.next("merge")).answer(madeOf(9));
    await later;
    expect(page.merges.value.map(({ number }) => number)).toEqual([3, 1, 2]);
    expect(page.inOrder(page.merges.value.toReversed())).toEqual(page.merges.value);
    expect(page.shownMerge.value).toBe(3);
  });

  it("by the best leaves out what loses every adapter, goes on with the next, and says so", async () => {
    const report = (cosine: number) => ({
      inputs: [{ name: "one" }, { name: "two" }],
      modules: [{ inputRanks: [2, 2] }],
      totals: { shares: [0.5, 0.5], cosines: [cosine, 0.01], rank: 2 },
      options: {},
    });
    const merging = page.mergeByBest(["tsv", "dc_merge", "ctm"].map((method) => ({ method }) as const) as never, 2);
    for (const [byte, cosine] of [
      [1, 0.9],
      [2, 0.01],
      [3, 0.8],
    ] as const) {
      const asked = await page.worker.next("merge");
      expect(page.progress.value?.of).toBe(
        byte === 1 ? "tsv, 1 of 2: " : `${byte === 2 ? "dc_merge" : "ctm"}, 2 of 2: `,
      );
      asked.answer({ ...madeOf(byte), report: report(cosine) });
    }
    await merging;
    expect(page.merges.value.map(({ recipe }) => recipe.method)).toEqual(["tsv", "ctm"]);
    expect(page.losingMethods.value).toEqual(["dc_merge"]);
  });

  it("makes room, and says before for how many which results go", async () => {
    for (let merge = 1; merge <= 5; merge++) {
      const merging = page.startMerge();
      (await page.worker.next("merge")).answer(madeOf(merge));
      await merging;
    }
    expect(page.makingRoom(1)).toEqual([]);
    expect(page.makingRoom(5).map(({ number }) => number)).toEqual([4, 3, 2, 1]);
  });

  it("ends with the one of several that is cancelled, and says so", async () => {
    const merging = page.mergeByBest([{ method: "tsv" }, { method: "ctm" }], 2);
    (await page.worker.next("merge")).answer(made);
    (await page.worker.next("merge")).refuse(new DOMException("This operation was aborted", "AbortError"));
    await merging;
    expect(page.mergeError.value).toBe("The merge was cancelled; nothing was written.");
  });

  it("ends in the worker where it is cancelled, and says so", async () => {
    const merging = page.startMerge();
    const asked = await page.worker.next("merge");
    page.cancelMerge();
    await page.settled();
    expect(page.worker.told).toContainEqual({ method: "cancelMerge", args: [] });
    asked.refuse(new DOMException("This operation was aborted", "AbortError"));
    await merging;
    expect(page.mergeError.value).toBe("The merge was cancelled; nothing was written.");
    expect(page.progress.value).toBeNull();
    expect(page.merges.value).toEqual([]);
  });

  it.each([
    ["another recipe is asked for", () => page.ask({ method: "ties" })],
    ["other weights are chosen", () => page.weigh(page.adapters.value[0]!.key, 2)],
    ["another merge begins", () => void page.startMerge()],
  ])("says what went wrong in one place, until %s", async (_, change) => {
    const announced = page.announcement.value;
    const merging = page.startMerge();
    (await page.worker.next("merge")).refuse(new Error("one is damaged."));
    await merging;
    expect(page.mergeError.value).toBe("one is damaged.");
    // The form shows it as an alert, which screen readers read by itself.
    expect(page.announcement.value).toBe(announced);
    change();
    expect(page.mergeError.value).toBeNull();
  });
});
