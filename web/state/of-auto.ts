import { methodById } from "../../src/methods/registry.ts";
import { autoRank } from "../../src/plan/auto-rank.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { reportedChoice } from "../../src/report/reported-choice.ts";

/** Whether a merge of several adapters is the one that `--method auto` makes by itself: its method, factor and rank. */
export function isOfAuto(report: MergeReport): boolean {
  const { inputs, options, autoScale } = report;
  const { method, scale, crowded } = reportedChoice(report);
  const factor = autoScale === null ? (options.scale ?? 1) : "auto";
  if (inputs.length < 2 || options.method !== method || factor !== scale) return false;
  // A method that clusters takes the rank of its own rule.
  return crowded || report.totals.rank === ownRank(report, method);
}

/** The rank that auto takes for the adapters of a report that change something. */
function ownRank({ modules, totals }: MergeReport, method: string): number {
  const parts = modules.map(({ inputRanks, in: inputs, out }) => ({
    parts: inputRanks.flatMap((rank, input) =>
      rank === null || totals.shares[input] === null ? [] : [{ input, module: { rank, in: inputs, out } }],
    ),
  }));
  return autoRank(methodById(method), parts);
}
