import { apartIn } from "../../src/report/apart.ts";
import { type Kept, keptOf } from "../../src/report/kept.ts";
import type { MergeReport } from "../../src/report/report.ts";

/** What a result holds of each adapter, as one word; null for one that changes nothing. */
export function keptOfEach(report: Pick<MergeReport, "inputs" | "modules" | "totals">): (Kept | null)[] {
  const { shares, cosines } = report.totals;
  const apart = apartIn(report);
  return report.inputs.map((_, t) => {
    const share = shares[t] ?? null;
    // A result that is zero has no cosine with what it lost.
    return share === null ? null : (keptOf(share, cosines[t] ?? null, apart.has(t)) ?? "lost");
  });
}

/** Whether a result has lost every adapter that changes something. */
export function losesAll(report: MergeReport): boolean {
  const kept = keptOfEach(report).filter((own) => own !== null);
  return kept.length > 0 && kept.every((own) => own === "lost");
}
