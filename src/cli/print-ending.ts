import { resolve } from "node:path";
import type { DialectId } from "../adapter/adapter.ts";
import type { ConsumerId } from "../adapter/consumer-facts.ts";
import { maximum } from "../core/maximum.ts";
import { shellPath } from "../core/shell-word.ts";
import { methodById } from "../methods/registry.ts";
import { lossShown } from "../report/loss-shown.ts";
import type { MergeReport } from "../report/report.ts";
import { reportBeside, reportFlag } from "../report/report-beside.ts";
import { MAX_UNITS } from "../units/memory.ts";
import { type NextStep, printNext, printParagraph } from "./page.ts";
import { printLoading } from "./print-loading.ts";
import { printLine } from "./terminal.ts";

/** What was merged, and what else could be. */
interface Ending {
  /** Merges to try instead. */
  readonly next: readonly NextStep[];
  /** The adapters as commands name them; null if some were temporary. */
  readonly paths: readonly string[] | null;
  /** Their formats. */
  readonly from: readonly DialectId[];
  /** The program that it was made for; null for none. */
  readonly made: ConsumerId | null;
  /** Where its report was written; null if it was not. */
  readonly written: string | null;
  /** Names what commands write, so that no two write to one place. */
  free(path: string): string;
}

/** Print what a person needs after a merge: whether an adapter is lost, what to try next, and how to load the result. */
export async function printEnding(
  report: MergeReport,
  out: string,
  { next, paths, from, made, written, free }: Ending,
): Promise<void> {
  const audit = auditCommand(report, out, paths, from);
  printLine();
  printParagraph(lossShown(report));
  printNext([...next, ...(audit === null ? [] : [{ why: auditWhy(report, out, written), how: audit }])]);
  await printLoading(out, from, made, free);
}

/** Why to audit a merge, and what that does not see without its report. @param written where that is; null if nowhere */
function auditWhy({ options }: MergeReport, out: string, written: string | null): string {
  const needed = reportFlag(methodById(String(options.method)), out);
  const there = written !== null && resolve(written) === resolve(reportBeside(out));
  const limit = needed.length === 0 || there ? "" : ` Not its clusters: it was made without ${needed.join(" ")}.`;
  return `Does the merge show signs of failure?${limit}`;
}

/** The command that looks for signs of failure; null where it would see too little. */
function auditCommand(
  { inputs, modules, warnings }: MergeReport,
  out: string,
  paths: readonly string[] | null,
  from: readonly DialectId[],
): string | null {
  // One adapter was not merged but changed, and as it was asked for.
  if (inputs.length < 2) return null;
  // What a baked DoRA adapter changes is not in its own file.
  if (warnings.some(({ id }) => id === "dora-baked")) return null;
  // Beyond that, units are not compared.
  const units = modules.map(({ inputRanks, rank }) => inputRanks.reduce<number>((sum, own) => sum + (own ?? 0), rank));
  if (maximum(units) > MAX_UNITS) return null;
  if (paths === null) return null;
  // Modules of GGUF files have their own names, and an audit knows no base model to tell which correspond.
  if (from.includes("gguf") || out.endsWith(".gguf")) return null;
  return `lora-lego audit ${shellPath(out)} --of ${paths.map(shellPath).join(" ")}`;
}
