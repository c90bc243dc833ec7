import { beforeEach, describe, expect, it } from "vitest";
import { freshPage, openAll, type Page } from "./page.ts";

const scores = { tasks: {}, seen: 0.5, unseen: null };
const result = { base: scores, merges: [{ name: "tsv", rank: 6, plain: scores, searched: null }] };

let page: Page;
beforeEach(async () => {
  page = await freshPage();
});

describe("results of a benchmark", () => {
  it("are shown at once, also where they end the first view", async () => {
    const { bench, takeBench } = await import("../../web/state/bench.ts");
    const { intro } = await import("../../web/state/intro.ts");
    const { tab } = await import("../../web/state/tabs.ts");
    intro.value = true;
    expect(takeBench(result)).toBe(true);
    expect([intro.value, tab.value, bench.value]).toEqual([false, "merge", result]);
  });

  it("leave open adapters alone, and are no other JSON", async () => {
    const { takeBench } = await import("../../web/state/bench.ts");
    await openAll(page, "one");
    for (const other of [null, {}, { ...result, merges: 1 }, { ...result, base: null }])
      expect(takeBench(other)).toBe(false);
    expect(takeBench(result)).toBe(true);
    expect(page.openAdapters.value.map(({ name }) => name)).toEqual(["one"]);
  });
});
