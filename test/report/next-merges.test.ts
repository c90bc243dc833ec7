import { describe, expect, it } from "vitest";
import type { Warning } from "../../src/plan/warning.ts";
import { nextMerges } from "../../src/report/next-merges.ts";

const warning = (fix?: Warning["fix"]): Warning => ({ id: "underflow", text: "-", ...(fix !== undefined && { fix }) });

describe("the merges to try next", () => {
  it("are none where nothing is to be mended", () => {
    expect(nextMerges({ warnings: [warning()], advice: null })).toEqual([]);
  });

  it("are one with all that mends the warnings, and one by auto", () => {
    const warnings = [
      warning({ why: "A larger rank.", rank: 12 }),
      warning(),
      warning({ why: "Both halves.", options: { gauge: "balanced" } }),
      warning({ why: "Both halves.", options: { sign: "none" } }),
    ];
    expect(nextMerges({ warnings, advice: "Auto takes tsv." })).toEqual([
      { why: "A larger rank. Both halves.", rank: 12, options: { gauge: "balanced", sign: "none" } },
      { why: "Auto takes tsv.", method: "auto" },
    ]);
  });

  it("have another factor only where nothing else changes, which asks for one of its own", () => {
    const factor = warning({ why: "Another factor.", scale: 0.5 });
    const rank = warning({ why: "A larger rank.", rank: 12 });
    expect(nextMerges({ warnings: [factor], advice: null })).toEqual([{ why: "Another factor.", scale: 0.5 }]);
    expect(nextMerges({ warnings: [factor, rank], advice: null })).toEqual([{ why: "A larger rank.", rank: 12 }]);
  });

  it("are by auto with weights where the method's own do not scale deltas", () => {
    const warnings = [warning({ why: "Balance.", method: "auto", weights: [1, 30] })];
    expect(nextMerges({ warnings, advice: "Auto takes tsv." })).toEqual([
      { why: "Auto takes tsv. Balance.", method: "auto", weights: [1, 30] },
    ]);
  });
});
