import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ModuleOverview } from "../../src/analysis/overview.ts";
import type { Asked } from "./fake-worker.ts";
import { freshPage, openAll, type Page } from "./page.ts";

let page: Page;
beforeEach(async () => {
  page = await freshPage();
});

const moduleOf = (name: string): ModuleOverview => ({
  name,
  block: null,
  in: 1,
  out: 1,
  norms: [1],
  effectiveRanks: [1],
  cosines: [[1]],
  signConflicts: null,
  purity: null,
});
/** The worker is done with one module of `of`. */
const tell = ({ args }: Asked, name: string, of: number): Promise<void> =>
  (args[1] as (module: ModuleOverview, of: number) => Promise<void>)(moduleOf(name), of);
const names = (): string[] => [...page.overview.value.keys()];

/** Open adapters one by one, and give the overview that each asks for. */
async function overviewsOf(...adapters: readonly string[]): Promise<Asked[]> {
  await openAll(page, ...adapters);
  const asked: Asked[] = [];
  for (const _ of adapters) asked.push(await page.worker.next("overview"));
  return asked;
}

describe("the overview", () => {
  it("looks at all that is open, and again only where other adapters are open or stand elsewhere", async () => {
    const asked = await overviewsOf("one", "two");
    expect(asked.map(({ args }) => args[0])).toEqual([[1], [1, 2]]);
    const { key } = page.adapters.value[0]!;
    page.rename(key, "judge");
    page.weigh(key, 2);
    await page.settled();
    expect(page.worker.waiting).not.toContain("overview");
    page.move(key, 1);
    expect((await page.worker.next("overview")).args[0]).toEqual([2, 1]);
  });

  it("says what an audit says by the names of now, and looks at no module again for it", async () => {
    const [asked] = await overviewsOf("one");
    const { key } = page.adapters.value[0]!;
    const of = (name: string) => ({ audit: name, lost: [] }) as unknown as typeof page.audited.value;
    page.rename(key, "judge");
    asked!.answer(of("one"));
    const again = await page.worker.next("audit");
    expect(page.worker.told).toContainEqual({ method: "rename", args: [1, "judge"] });
    expect(again.args).toEqual([[1]]);
    again.answer(of("judge"));
    await page.settled();
    expect(page.audited.value).toEqual(of("judge"));
    page.rename(key, "last");
    (await page.worker.next("audit")).answer(of("last"));
    await page.settled();
    expect(page.audited.value).toEqual(of("last"));
    page.weigh(key, 2);
    await page.settled();
    expect(page.worker.waiting).not.toContain("audit");
    expect(page.worker.waiting).not.toContain("overview");
  });

  it("draws modules in groups, and the last one at once", async () => {
    const now = vi.spyOn(performance, "now").mockReturnValue(1000);
    const [asked] = await overviewsOf("one");
    await tell(asked!, "a", 4);
    expect(names()).toEqual(["a"]);
    expect(page.overviewTotal.value).toBe(4);
    now.mockReturnValue(1100);
    await tell(asked!, "b", 4);
    expect(names()).toEqual(["a"]);
    now.mockReturnValue(1120);
    await tell(asked!, "c", 4);
    expect(names()).toEqual(["a", "b", "c"]);
    await tell(asked!, "d", 4);
    expect(names()).toEqual(["a", "b", "c", "d"]);
  });

  it("drops modules and errors of an earlier look", async () => {
    const [first, second] = await overviewsOf("one", "two");
    await tell(second!, "of both", 1);
    await tell(first!, "of one", 1);
    first!.refuse(new Error("ended"));
    await page.settled();
    expect(names()).toEqual(["of both"]);
    expect(page.overviewError.value).toBeNull();
  });

  it("says what went wrong, until other adapters are looked at", async () => {
    const [asked] = await overviewsOf("one");
    asked!.refuse(new Error("one cannot be read."));
    await page.settled();
    expect(page.overviewError.value).toBe("one cannot be read.");
    page.remove(page.adapters.value[0]!.key);
    expect(page.overviewError.value).toBeNull();
  });

  it("ends where no adapter is open any more", async () => {
    const [asked] = await overviewsOf("one");
    await tell(asked!, "a", 2);
    page.worker.told.length = 0;
    page.remove(page.adapters.value[0]!.key);
    await page.settled();
    expect(page.worker.told).toContainEqual({ method: "endOverview", args: [] });
    await tell(asked!, "b", 2);
    asked!.refuse(new Error("ended"));
    await page.settled();
    expect([names(), page.overviewTotal.value, page.overviewError.value]).toEqual([[], 0, null]);
  });
});
