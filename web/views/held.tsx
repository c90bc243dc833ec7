import { keptOfEach } from "../state/kept-of-each.ts";
import type { MadeMerge } from "../state/merge.ts";
import { Bars } from "./bars.tsx";

/** How much of each adapter is in a result; the line is all of it. */
export function Held({ made: { report, title }, most }: { made: MadeMerge; most: number }) {
  const kept = keptOfEach(report);
  const rows = report.inputs.map(({ name }, t) =>
    // The share of what is lost says nothing.
    kept[t] === "lost" ? { name, value: null, word: "lost" } : { name, value: report.totals.shares[t] ?? null },
  );
  return <Bars title={`${title} holds`} rows={rows} most={most} line={1} />;
}
