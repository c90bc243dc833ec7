import type { MadeMerge } from "../state/merge.ts";
import { Bars } from "./bars.tsx";

/** How much of each adapter is in a result; the line is all of it. */
export function Held({ made: { report, title }, most }: { made: MadeMerge; most: number }) {
  const rows = report.inputs.map(({ name }, t) => ({ name, value: report.totals.shares[t] ?? null }));
  return <Bars title={`${title} holds`} rows={rows} most={most} line={1} />;
}
