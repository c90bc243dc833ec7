import { beforeEach, describe, expect, it } from "vitest";
import type { MadeMerge } from "../../web/state/merge.ts";
import { ALL, advisedPage, inputOf, madeOf, recommend } from "./advised-page.ts";

let page: Awaited<ReturnType<typeof advisedPage>>["page"];
let standing: typeof import("../../web/state/standing.ts")["standing"];
beforeEach(async () => {
  ({ page } = await advisedPage());
  ({ standing } = await import("../../web/state/standing.ts"));
});

/** Results beside each other, with what decides auto's choice in their reports. */
function stand(...made: readonly MadeMerge[]): MadeMerge[] {
  const all = made.map((own, i) => {
    const report = {
      ...own.report,
      modules: [],
      totals: { ...own.report.totals, shares: own.report.inputs.map(() => 1) },
    };
    return { ...own, number: i + 1, report } as unknown as MadeMerge;
  });
  page.merges.value = all;
  return all;
}

const rank = (rank: number) => ({ kind: "rank", rank }) as const;

describe("what a result is advised", () => {
  it("stands beside it already, in whatever words it was asked for and in whatever order its adapters stood", () => {
    recommend(page, 12, 12);
    const lego = madeOf({ method: "lego", options: { sign: "align", gauge: "balanced" }, target: rank(12) }, ...ALL);
    const byName = madeOf({ scale: "auto", method: "tsv", target: rank(12) }, ...[...ALL].reverse());
    const balanced = madeOf({ method: "lego", options: { gauge: "balanced" }, target: rank(12) }, ...ALL);
    const [first, auto, third] = stand(lego, byName, balanced);
    expect(standing({ why: "", method: "auto" }, first!)).toBe(auto);
    expect(standing({ why: "", options: { sign: "align" } }, third!)).toBe(first);
  });

  it.each<[string, object, readonly object[]]>([
    ["another rank", { method: "auto", target: rank(6) }, ALL],
    ["another factor", { method: "tsv", target: rank(12) }, ALL],
    ["other weights", { method: "auto", target: rank(12) }, [inputOf("one", 2), ...ALL.slice(1)]],
    ["other adapters", { method: "auto", target: rank(12) }, [inputOf("four"), ...ALL.slice(1)]],
    ["another program", { method: "auto", for: "vllm", target: rank(12) }, ALL],
  ])("does not where it has %s", (_, recipe, inputs) => {
    recommend(page, 12, 12);
    const [first] = stand(madeOf({ method: "lego", target: rank(12) }, ...ALL), madeOf(recipe, ...inputs));
    expect(standing({ why: "", method: "auto" }, first!)).toBeNull();
  });

  it("is not the result itself", () => {
    const [only] = stand(madeOf({ method: "lego", target: rank(12) }, ...ALL));
    expect(standing({ why: "", rank: 12 }, only!)).toBeNull();
  });
});
