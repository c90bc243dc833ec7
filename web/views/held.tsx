import { apartIn } from "../../src/report/apart.ts";
import { keptOf } from "../../src/report/kept.ts";
import type { MadeMerge } from "../state/merge.ts";
import { Bars } from "./bars.tsx";

/** How much of each adapter is in a result; the line is all of it. */
export function Held({ made: { report, title }, most }: { made: MadeMerge; most: number }) {
  const { shares, cosines } = report.totals;
  const apart = apartIn(report);
  const rows = report.inputs.map(({ name }, t) => {
    const [share, cosine] = [shares[t] ?? null, cosines[t] ?? null];
    // The share of what is lost says nothing.
    return keptOf(share, cosine, apart.has(t)) === "lost"
      ? { name, value: null, word: "lost" }
      : { name, value: share };
  });
  return <Bars title={`${title} holds`} rows={rows} most={most} line={1} />;
}
