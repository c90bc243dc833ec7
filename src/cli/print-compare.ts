import type { ComparedMerge, Comparison } from "../analysis/compare.ts";
import { inMeasuredOrder, MEASURED_LINES, measuredShown, refusalsByReason } from "../analysis/figures-table.ts";
import { plural } from "../core/plural.ts";
import { percent } from "../core/shown.ts";
import { chooseMethod } from "../methods/auto.ts";
import { MOST_COSINE } from "../report/kept.ts";
import { cosineShown, printParagraph } from "./page.ts";
import { table } from "./table.ts";
import { printLine, printLines } from "./terminal.ts";

/** What each column means, one line each. */
const LEGEND: readonly (readonly [column: string, ...lines: readonly string[]])[] = [
  ["rank", "of the result; a larger one holds more, so compare at equal --ranks"],
  ["norm", "of the result, divided by the adapters' mean norm; --scale changes it"],
  ["energy", "squared cosine with the weighted sum: how much it is like adding up"],
  ["cosines", "with each adapter, least to most: which of them weigh more"],
  ["signs", "entries with another sign than an adapter's, mean over the adapters"],
  ["eff.", "effective rank: how many directions the result uses"],
  ["s", "seconds of merging on one thread"],
  ["measured", ...MEASURED_LINES],
];

/**
 * Print a comparison on a page of 80 columns: the merges in the order of what was measured, and what each figure means.
 *
 * @param slow methods that were not compared since nobody named them
 */
export function printComparison(comparison: Comparison, slow: readonly string[]): void {
  const { adapters, merges, alike } = comparison;
  printParagraph(`${plural(adapters.length, "adapter")}: ${adapters.join(", ")}`);
  if (adapters.length === 1) {
    printParagraph("Most methods leave one adapter as it is: pass two or more to compare merges.", 0);
  }
  printLine();
  printLines(
    table(
      ["method", ...LEGEND.map(([column]) => column)],
      inMeasuredOrder(merges).map((merge) => [
        merge.auto ? `${merge.method} (auto)` : merge.method,
        merge.rank,
        decimals(merge.normRatio),
        decimals(merge.energy),
        cosinesShown(merge),
        percent(merge.signConflicts),
        merge.effectiveRank.toFixed(1),
        merge.seconds.toFixed(2),
        measuredShown(merge),
      ]),
    ),
  );
  printLine();
  const width = Math.max(...LEGEND.map(([column]) => column.length));
  for (const [column, ...lines] of LEGEND) {
    for (const [i, line] of lines.entries()) printLine(`${(i === 0 ? column : "").padEnd(width)}  ${line}`);
  }
  printParagraph(
    "Best measured first; a dash was not measured. A higher cosine or energy is not better: " +
      "the methods that score most are not those nearest to the sum. Measure on your own tasks with lora-lego bench.",
    0,
  );
  const auto = merges.find((merge) => merge.auto);
  if (auto !== undefined) {
    const factor =
      chooseMethod(adapters.length, false).scale === "auto"
        ? ", times a computed factor, which changes the norm alone"
        : "";
    printParagraph(`(auto): what --method auto takes, ${auto.method} at rank ${auto.rank}${factor}.`);
  }
  for (const line of lostLines(comparison)) printParagraph(line);
  if (alike.length > 0) printParagraph(`once, as a larger rank changes nothing: ${alike.join(", ")}`);
  for (const { methods, reason } of refusalsByReason(comparison)) printParagraph(`left out: ${methods}: ${reason}`);
  if (slow.length > 0) printParagraph(`left out as slow, unless --methods names them: ${slow.join(", ")}`);
}

function cosinesShown({ cosines }: ComparedMerge): string {
  const known = cosines.filter((cosine) => cosine !== null);
  if (known.length === 0) return "-";
  const [least, most] = [Math.min(...known), Math.max(...known)].map(cosineShown);
  return least === most ? `${least}` : `${least}..${most}`;
}

/** Which merges keep almost nothing of an adapter, those of the same merges together. */
function lostLines({ adapters, merges }: Comparison): string[] {
  const groups = new Map<string, string[]>();
  for (const [t, name] of adapters.entries()) {
    const losing = merges.filter(({ cosines }) => Math.abs(cosines[t] ?? 1) < MOST_COSINE).map(({ method }) => method);
    const by = [...new Set(losing)].join(", ");
    groups.set(by, [...(groups.get(by) ?? []), name]);
  }
  groups.delete("");
  return Array.from(groups, ([by, names]) => `practically lost: ${names.join(", ")}, by ${by}`);
}

function decimals(value: number | null): string {
  return value === null ? "-" : value.toFixed(2);
}
