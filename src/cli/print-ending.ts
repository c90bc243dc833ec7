import { statSync } from "node:fs";
import type { DialectId } from "../adapter/adapter.ts";
import type { ConsumerId } from "../adapter/consumer-facts.ts";
import { maximum } from "../core/maximum.ts";
import { shellPath } from "../core/shell-word.ts";
import { loadingLines } from "../node/loading-lines.ts";
import { lossShown } from "../report/loss-shown.ts";
import type { MergeReport } from "../report/report.ts";
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
  /** Names what commands write, so that no two write to one place. */
  free(path: string): string;
}

/** Print what a person needs after a merge: whether an adapter is lost, what to try next, and how to load the result. */
export async function printEnding(
  report: MergeReport,
  out: string,
  { next, paths, from, made, free }: Ending,
): Promise<void> {
  const audit = auditCommand(report, out, paths, from);
  const { lines, against, undecided, compared, base } = await loadingLines(out, from, free, made);
  printLine();
  printParagraph(lossShown(report));
  printNext([...next, ...(audit === null ? [] : [{ why: "Does the merge show signs of failure?", how: audit }])]);
  if (against !== null) printParagraph(against);
  if (lines.length === 0) {
    printParagraph(`No program that lora-lego knows loads it as it is: lora-lego check ${shellPath(out)} says why.`);
    return;
  }
  const seen = compared ? "its headers and the base model's config" : "its headers";
  printLine(bold("Load it"), ` (by ${seen}; lora-lego check --base compares it with the base model):`);
  const width = Math.max(...lines.map(({ title }) => title.length));
  for (const { title, line } of lines) printCommand(`  ${title.padEnd(width)}  ${line}`);
  if (base !== null) printParagraph(`  ${base}`, 2);
  if (undecided.length > 0) {
    const them = undecided.join(", ");
    printParagraph(
      `  Whether ${them} ${undecided.length === 1 ? "takes" : "take"} LoRA for an encoder, the base model's config tells: lora-lego check ${shellPath(out)} --base-config BASE/config.json.`,
      2,
    );
  }
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
  // A file alone does not say which weights it was made with.
  const known = statSync(out).isDirectory() || inputs.every(({ weight }) => weight === 1);
  if (!known || paths === null) return null;
  // Modules of GGUF files have their own names, and an audit knows no base model to tell which correspond.
  if (from.includes("gguf") || out.endsWith(".gguf")) return null;
  return `lora-lego audit ${shellPath(out)} --of ${paths.map(shellPath).join(" ")}`;
}
