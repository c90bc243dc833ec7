import type { MergeReport } from "../../src/report/report.ts";
import { reportedChoice } from "../../src/report/reported-choice.ts";

/** Whether a merge of several adapters is the one that `--method auto` makes, as far as method and factor go. */
export function isOfAuto(report: MergeReport): boolean {
  const { inputs, options, autoScale } = report;
  const { method, scale } = reportedChoice(report);
  const factor = autoScale === null ? (options.scale ?? 1) : "auto";
  return inputs.length > 1 && options.method === method && factor === scale;
}
