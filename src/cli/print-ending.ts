import { statSync } from "node:fs";
import type { DialectId } from "../adapter/adapter.ts";
import { shellPath } from "../core/shell-word.ts";
import { percent } from "../core/shown.ts";
import { loadingLines } from "../node/loading-lines.ts";
import { MOST_COSINE } from "../report/lost-adapters.ts";
import type { MergeReport } from "../report/report.ts";
import { type NextStep, printNext, printParagraph } from "./page.ts";
import { bold, printLine } from "./terminal.ts";

/** What was merged, and what else could be. */
interface Ending {
  /** Merges to try instead. */
  readonly next: readonly NextStep[];
  /** The adapters as commands name them; null if some were temporary. */
  readonly paths: readonly string[] | null;
  /** Their formats. */
  readonly from: readonly DialectId[];
}

/** Print what a person needs after a merge: whether an adapter is lost, what to try next, and how to load the result. */
export async function printEnding(report: MergeReport, out: string, { next, paths, from }: Ending): Promise<void> {
  const audit = auditCommand(report, out, paths);
  const { lines, base } = await loadingLines(out, from);
  printLine();
  printParagraph(lossShown(report));
  printNext([...next, ...(audit === null ? [] : [{ why: "Does the merge show signs of failure?", how: audit }])]);
  if (lines.length === 0) return;
  printLine(bold("Load it"), " (by its headers; lora-lego check --base compares it with the base model):");
  const width = Math.max(...lines.map(({ title }) => title.length));
  for (const { title, line } of lines) printLine(`  ${title.padEnd(width)}  ${line}`);
  if (base !== null) printParagraph(`  ${base}`, 2);
}

/** The command that looks for signs of failure; null where it would see too little. */
function auditCommand({ inputs, warnings }: MergeReport, out: string, paths: readonly string[] | null): string | null {
  // One adapter was not merged but changed, and as it was asked for.
  if (inputs.length < 2) return null;
  // What a baked DoRA adapter changes is not in its own file.
  if (warnings.some(({ id }) => id === "dora-baked")) return null;
  // A file alone does not say which weights it was made with.
  const known = statSync(out).isDirectory() || inputs.every(({ weight }) => weight === 1);
  if (!known || paths === null || out.endsWith(".gguf")) return null;
  return `lora-lego audit ${shellPath(out)} --of ${paths.map(shellPath).join(" ")}`;
}

/** Whether an adapter is lost, in a sentence or two. */
function lossShown({ inputs, totals, warnings }: MergeReport): string {
  if (warnings.some(({ id }) => id === "zero-result")) return "Everything is lost: the result changes nothing.";
  const found = inputs.flatMap(({ name }, t) => {
    const [share, cosine] = [totals.shares[t] ?? null, totals.cosines[t] ?? null];
    return share === null || cosine === null ? [] : [{ name, share, cosine }];
  });
  const [least, ...others] = found.sort((one, other) => one.share - other.share);
  if (least === undefined) return "The adapters change nothing.";
  const against = found.filter(({ cosine }) => cosine <= -MOST_COSINE).map(({ name }) => name);
  const lost = found.filter(({ cosine }) => Math.abs(cosine) < MOST_COSINE).map(({ name }) => name);
  const good = against.length + lost.length === 0 && percent(least.share) !== percent(0);
  return [
    ...(against.length === 0 ? [] : [`The result works against ${against.join(", ")}.`]),
    ...(lost.length === 0 ? [] : [`Practically lost: ${lost.join(", ")}.`]),
    ...(good && others.length > 0 ? ["No adapter is lost."] : []),
    `The result holds ${[least, ...others.slice(-1)].map(({ name, share }) => `${percent(share)} of ${name}`).join(" to ")}.`,
  ].join(" ");
}
