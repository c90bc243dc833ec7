import { describe, expect, it } from "vitest";
import type { Warning } from "../../src/plan/warning.ts";
import { nextMerges } from "../../src/report/next-merges.ts";
import type { MergeReport } from "../../src/report/report.ts";

/** Three adapters of rank 6 at rank 6. */
const made = {
  modules: [{ in: 140, out: 150, inputRanks: [6, 6, 6] }],
  totals: { rank: 6, shares: [1, 1, 1] },
  options: { scale: 1 },
  autoScale: null,
} as unknown as Pick<MergeReport, "modules" | "totals" | "options" | "autoScale">;

const warning = (fix?: Warning["fix"]): Warning => ({ id: "underflow", text: "-", ...(fix !== undefined && { fix }) });

describe("the merges to try next", () => {
  it("are none where nothing is to be mended", () => {
    expect(nextMerges({ ...made, warnings: [warning()], advice: null })).toEqual([]);
  });

  it("are one with all that mends the warnings, and one by auto", () => {
    const warnings = [
      warning({ why: "A larger rank.", rank: 12 }),
      warning(),
      warning({ why: "Both halves.", options: { gauge: "balanced" } }),
      warning({ why: "Both halves.", options: { sign: "none" } }),
    ];
    expect(nextMerges({ ...made, warnings, advice: "Auto takes tsv." })).toEqual([
      { why: "A larger rank. Both halves.", rank: 12, options: { gauge: "balanced", sign: "none" } },
      { why: "Auto takes tsv.", method: "auto" },
    ]);
  });

  it("have no rank that was found for all adapters as they count, where they count otherwise", () => {
    const rank = warning({ why: "Rank 5 can hold enough.", rank: 5 });
    const once = warning({ why: "Without a (2).", leaves: [1] });
    const both = warning({ why: "Both halves.", options: { gauge: "balanced" } });
    expect(nextMerges({ ...made, warnings: [rank, once, both], advice: null })).toEqual([
      { why: "Without a (2). Both halves.", leaves: [1], options: { gauge: "balanced" } },
    ]);
    const balance = warning({ why: "Balance.", weights: [1, 30], rank: 7 });
    expect(nextMerges({ ...made, warnings: [rank, balance], advice: null })).toEqual([
      { why: "Balance.", weights: [1, 30], rank: 7 },
    ]);
  });

  it("have another factor only where nothing else changes, which asks for one of its own", () => {
    const factor = warning({ why: "Another factor.", scale: 0.5 });
    const rank = warning({ why: "A larger rank.", rank: 12 });
    expect(nextMerges({ ...made, warnings: [factor], advice: null })).toEqual([{ why: "Another factor.", scale: 0.5 }]);
    expect(nextMerges({ ...made, warnings: [factor, rank], advice: null })).toEqual([
      { why: "A larger rank.", rank: 12 },
    ]);
  });

  it("are by auto with weights where the method's own do not scale deltas", () => {
    const warnings = [warning({ why: "Balance.", method: "auto", weights: [1, 30] })];
    expect(nextMerges({ ...made, warnings, advice: "Auto takes tsv." })).toEqual([
      { why: "Auto takes tsv. Balance.", method: "auto", weights: [1, 30] },
    ]);
  });

  it("are by auto at the rank that fits, where the merge has less", () => {
    const seven = {
      modules: [{ in: 140, out: 150, inputRanks: new Array(7).fill(6) }],
      totals: { rank: 6, shares: new Array(7).fill(1) },
    };
    const report = { ...made, ...(seven as unknown as typeof made), warnings: [], advice: "Auto takes tsv." };
    expect(nextMerges(report)).toEqual([{ why: "Auto takes tsv.", method: "auto", rank: 12 }]);
  });

  it("are at no larger rank than tsv writes for the modules", () => {
    const modules = [{ in: 10, out: 150, inputRanks: new Array(7).fill(6) }];
    const small = { modules, totals: { rank: 6, shares: new Array(7).fill(1) } } as unknown as typeof made;
    // Of 10 directions one for each of seven.
    const report = { ...made, ...small, warnings: [], advice: "Auto takes tsv." };
    expect(nextMerges(report)).toEqual([{ why: "Auto takes tsv.", method: "auto", rank: 7 }]);
  });

  it("are by auto at its own rank, where the merge has another one", () => {
    const large = { ...made, totals: { ...made.totals, rank: 12 }, warnings: [], advice: "Auto takes tsv." };
    expect(nextMerges(large)).toEqual([{ why: "Auto takes tsv.", method: "auto", rank: 6 }]);
  });

  it("compute the factor again where somebody chose one and more than it changes", () => {
    const scaled = { ...made, options: { scale: 1.5 }, advice: null };
    const larger = [warning({ why: "A larger rank.", rank: 12 })];
    expect(nextMerges({ ...scaled, warnings: larger })).toEqual([{ why: "A larger rank.", rank: 12, scale: "auto" }]);
    expect(nextMerges({ ...made, advice: null, warnings: larger })).toEqual([{ why: "A larger rank.", rank: 12 }]);
    const finer = [warning({ why: "In f32.", dtype: "f32" })];
    expect(nextMerges({ ...scaled, warnings: finer })).toEqual([{ why: "In f32.", dtype: "f32" }]);
    const alone = { ...scaled, totals: { ...made.totals, shares: [1, null, null] } };
    expect(nextMerges({ ...alone, warnings: larger })).toEqual([{ why: "A larger rank.", rank: 12 }]);
  });

  it("compute the factor by the method that auto takes, which leaves auto nothing else to take", () => {
    const byTsv = { ...made, options: { method: "tsv", scale: 1 }, advice: "Auto takes tsv." };
    const room = warning({ why: "Room.", rank: 12 });
    expect(nextMerges({ ...byTsv, warnings: [room] })).toEqual([{ why: "Room.", rank: 12, scale: "auto" }]);
    expect(nextMerges({ ...byTsv, warnings: [] })).toEqual([{ why: "Auto takes tsv.", method: "auto" }]);
    const computed = { ...byTsv, autoScale: { factor: 0.5 } as MergeReport["autoScale"], advice: null };
    expect(nextMerges({ ...computed, warnings: [room] })).toEqual([{ why: "Room.", rank: 12 }]);
  });

  it("end with the one without what is lost", () => {
    const without = { why: "Without it.", leaves: [1], weights: [1, 1] };
    const lost = { ...warning({ why: "Balance.", weights: [1, 30] }), without };
    expect(nextMerges({ ...made, warnings: [lost, lost], advice: null })).toEqual([
      { why: "Balance.", weights: [1, 30] },
      without,
    ]);
  });
});
