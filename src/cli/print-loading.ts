import type { DialectId } from "../adapter/adapter.ts";
import type { ConsumerId } from "../adapter/consumer-facts.ts";
import type { LoadingLine } from "../analysis/loading-lines.ts";
import { shellPath } from "../core/shell-word.ts";
import { loadingLines } from "../node/loading-lines.ts";
import { freeNames } from "../node/output/free-name.ts";
import { warnAgainst } from "./failure.ts";
import { printParagraph } from "./page.ts";
import { bold, printCommand, printLine } from "./terminal.ts";

/**
 * Print how to load an adapter that was written, and which programs do not.
 *
 * @param from formats of the adapters that it was made of
 * @param made the program that it was made for; null for none
 * @param free names what commands write, so that no two write to one place
 * @param folder of its base model, where somebody passed that
 */
export async function printLoading(
  out: string,
  from: readonly DialectId[],
  made: ConsumerId | null,
  free: (path: string) => string,
  folder: string | null = null,
): Promise<void> {
  const { lines, against, refused, undecided, compared, base } = await loadingLines(out, from, free, made, folder);
  if (against !== null) printParagraph(against);
  if (lines.length === 0) {
    printParagraph(`No program that lora-lego knows loads it as it is: lora-lego check ${shellPath(out)} says why.`);
    return;
  }
  const seen = compared ? "its headers and the base model's config" : "its headers";
  printLoadingLines("Load it", lines, ` (by ${seen}; lora-lego check --base compares it with the model):`);
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

/** Warn of what is found against the program that an adapter was written for, where no loading lines tell it. */
export async function warnOfProgram(out: string, from: readonly DialectId[], made: ConsumerId | null): Promise<void> {
  if (made !== null) warnAgainst((await loadingLines(out, from, freeNames(), made)).against);
}

/** Print how to load what was written, a line for each program; nothing where there is none. */
export function printLoadingLines(head: string, lines: readonly LoadingLine[], behind: string = ""): void {
  if (lines.length === 0) return;
  printLine(bold(head), behind);
  const width = Math.max(...lines.map(({ title }) => title.length));
  for (const { title, line } of lines) printCommand(`  ${title.padEnd(width)}  ${line}`);
}
