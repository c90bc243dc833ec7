import type { DialectId } from "../adapter/adapter.ts";
import type { ConsumerId } from "../adapter/consumer-facts.ts";
import { shellPath } from "../core/shell-word.ts";
import { loadingLines } from "../node/loading-lines.ts";
import { printParagraph } from "./page.ts";
import { bold, printCommand, printLine } from "./terminal.ts";

/**
 * Print how to load an adapter that was written, and which programs do not.
 *
 * @param from formats of the adapters that it was made of
 * @param made the program that it was made for; null for none
 * @param free names what commands write, so that no two write to one place
 */
export async function printLoading(
  out: string,
  from: readonly DialectId[],
  made: ConsumerId | null,
  free: (path: string) => string,
): Promise<void> {
  const { lines, against, refused, undecided, compared, base } = await loadingLines(out, from, free, made);
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
