import { resolve } from "node:path";
import type { DialectId } from "../adapter/adapter.ts";
import type { ConsumerId } from "../adapter/consumer-facts.ts";
import { maximum } from "../core/maximum.ts";
import { shellPath } from "../core/shell-word.ts";
import { methodById } from "../methods/registry.ts";
import { loadingLines } from "../node/loading-lines.ts";
import { lossShown } from "../report/loss-shown.ts";
import type { MergeReport } from "../report/report.ts";
import { reportBeside, reportFlag } from "../report/report-beside.ts";
import { MAX_UNITS } from "../units/memory.ts";
import { type NextStep, printNext, printParagraph } from "./page.ts";
import { bold, printCommand, printLine } from "./terminal.ts";

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
  const { lines, against, refused, undecided, compared, base } = await loadingLines(out, from, free, made);
  printLine();
  printParagraph(lossShown(report));
  printNext([...next, ...(audit === null ? [] : [{ why: auditWhy(report, out, written), how: audit }])]);
  if (against !== null) printParagraph(against);
  if (lines.length === 0) {
    printParagraph(`No program that lora-lego knows loads it as it is: lora-lego check ${shellPath(out)} says why.`);
    return;
  }
  const seen = compared ? "its headers and the base model's config" : "its headers";
  printLine(bold("Load it"), ` (by ${seen}; lora-lego check --base compares it with the model):`);
  const width = Math.max(...lines.map(({ title }) => title.length));
  for (const { title, line } of lines) printCommand(`  ${title.padEnd(width)}  ${line}`);
  if (refused.length > 0) printParagraph(`  Not ${refused.join(", ")}: lora-lego check ${shellPath(out)} says why.`, 2);
  if (base !== null) printParagraph(`  ${base}`, 2);
  if (undecided.length > 0) {
    const them = undecided.join(", ");
    printParagraph(
      `  Whether ${them} ${undecided.length === 1 ? "takes" : "take"} LoRA for an encoder, the base model's config tells:`,
      2,
    );
    printCommand(`    lora-lego check ${shellPath(out)} --base-config BASE/config.json`);
  }
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
