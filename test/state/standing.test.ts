import { beforeEach, describe, expect, it } from "vitest";
import type { MadeMerge } from "../../web/state/merge.ts";
import { ALL, advisedPage, inputOf, madeOf, recommend } from "./advised-page.ts";

let page: Awaited<ReturnType<typeof advisedPage>>["page"];
let standing: typeof import("../../web/state/standing.ts")["standing"];
beforeEach(async () => {
  ({ page } = await advisedPage());
  ({ standing } = await import("../../web/state/standing.ts"));
});

/** Results beside each other. @param ranks of the modules of each */
function stand(made: readonly MadeMerge[], ranks: readonly number[] = [2]): readonly MadeMerge[] {
  const modules = ranks.map((own) => ({ rank: own, inputRanks: [2, 2, 2] }));
  page.merges.value = made.map((own, i) => {
    const totals = { rank: Math.max(...ranks), shares: own.report.inputs.map(() => 1) };
    return { ...own, number: i + 1, report: { ...own.report, modules, totals } } as unknown as MadeMerge;
  });
  return page.merges.value;
}

const rank = (rank: number) => ({ kind: "rank", rank }) as const;

describe("what a result is advised", () => {
  it("stands beside it already, in whatever words it was asked for and in whatever order its adapters stood", () => {
    recommend(page, 12, 12);
    const lego = madeOf({ method: "lego", options: { sign: "align", gauge: "balanced" }, target: rank(12) }, ...ALL);
    const byName = madeOf({ scale: "auto", method: "tsv", target: rank(12) }, ...[...ALL].reverse());
    const balanced = madeOf({ method: "lego", options: { gauge: "balanced" }, target: rank(12) }, ...ALL);
    const [first, auto, third] = stand([lego, byName, balanced]);
    expect(standing({ why: "", method: "auto" }, first!)).toBe(auto);
    expect(standing({ why: "", options: { sign: "align" } }, third!)).toBe(first);
  });

  it("stands beside it at a rank that nobody named, where all modules have that", () => {
    recommend(page, 12, 12);
    const [lego, own] = [madeOf({ method: "lego", target: rank(12) }, ...ALL), madeOf({ method: "auto" }, ...ALL)];
    const [first, auto] = stand([lego, own], [12, 12]);
    expect(standing({ why: "", method: "auto" }, first!)).toBe(auto);
    const [other] = stand([lego, own], [12, 6]);
    expect(standing({ why: "", method: "auto" }, other!)).toBeNull();
  });

  it.each<[string, object, readonly object[]]>([
    ["another rank", { method: "auto", target: rank(6) }, ALL],
    ["another factor", { method: "tsv", target: rank(12) }, ALL],
    ["other weights", { method: "auto", target: rank(12) }, [inputOf("one", 2), ...ALL.slice(1)]],
    ["other adapters", { method: "auto", target: rank(12) }, [inputOf("four"), ...ALL.slice(1)]],
    ["another program", { method: "auto", for: "vllm", target: rank(12) }, ALL],
  ])("does not where it has %s", (_, recipe, inputs) => {
    recommend(page, 12, 12);
    const [first] = stand([madeOf({ method: "lego", target: rank(12) }, ...ALL), madeOf(recipe, ...inputs)]);
    expect(standing({ why: "", method: "auto" }, first!)).toBeNull();
  });

  it("is not the result itself", () => {
    const [only] = stand([madeOf({ method: "lego", target: rank(12) }, ...ALL)]);
    expect(standing({ why: "", rank: 12 }, only!)).toBeNull();
  });
});
