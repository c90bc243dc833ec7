import { plural } from "../core/plural.ts";
import { bytes, figure } from "../core/shown.ts";
import { type Composition, compositions } from "../merge/compositions.ts";
import type { MergePlan } from "../merge/merge-plan.ts";
import type { MergeReport } from "../merge/report.ts";
import { table } from "./table.ts";
import { printLine, printLines } from "./terminal.ts";

/** Compositions listed before the rest is summed up. */
const MOST_COMPOSITIONS = 8;

/** Print what a merge made: the result, how it relates to each input, and what merged with what. */
export function printReport(report: MergeReport, out: string): void {
  const { totals, inputs, modules } = report;
  printLine(
    `${out}: ${plural(totals.modules, "module")}, rank ${totals.rank}, ${totals.dtype}, ${bytes(totals.bytes)}`,
  );
  const cut = totals.residual === null ? "" : `, residual of the cut ${figure(totals.residual)}`;
  printLine(`norm ratio ${figure(totals.normRatio)}, energy ${figure(totals.energy)}${cut}`);
  printLine();
  printLines(
    table(
      ["adapter", "weight", "ranks", "modules", "cosine with result"],
      inputs.map((input, t) => {
        const ranks = new Set(modules.flatMap(({ inputRanks }) => inputRanks[t] ?? []));
        return [input.name, input.weight, [...ranks].join(" "), input.modules, figure(totals.cosines[t]!)];
      }),
    ),
  );
  const merged = compositions(report);
  if (merged.length === 0) return;
  printLine();
  printLines(
    table(
      ["what merged with what", "clusters", "units"],
      [...merged.slice(0, MOST_COMPOSITIONS), ...rest(merged.slice(MOST_COMPOSITIONS))],
    ),
  );
}

function rest(rows: readonly Composition[]): Composition[] {
  if (rows.length === 0) return [];
  const sum = (column: 1 | 2): number => rows.reduce((total, row) => total + row[column], 0);
  return [[`${rows.length} more combinations`, sum(1), sum(2)]];
}

/** Print what a plan would write. */
export function printPlan(plan: MergePlan, out: string): void {
  const scales = plan.sharedScale === null ? "scales folded in" : `scale ${plan.sharedScale}`;
  printLine(
    `${out} would hold ${plural(plan.modules.length, "module")} by ${plan.method}, rank ${plan.rank}, ${plan.dtype.toLowerCase()}, ${scales}, ${bytes(plan.size)}; nothing was written.`,
  );
  printLine();
  printLines(
    table(
      ["module", "kind", "in", "out", "units", "rank"],
      plan.modules.map(({ name, kind, in: inputs, out: outputs, parts, rank }) => [
        name,
        kind,
        inputs,
        outputs,
        parts.map(({ module }) => module.rank).join(" + "),
        rank,
      ]),
    ),
  );
}
