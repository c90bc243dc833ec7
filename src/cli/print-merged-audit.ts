import type { MergedAudit } from "../analysis/audit/audit-merged.ts";
import type { Signature } from "../analysis/audit/signatures.ts";
import { plural } from "../core/plural.ts";
import { printable } from "../core/printable.ts";
import { figure, percent } from "../core/shown.ts";
import { cosineShown, cut, printNext, printParagraph, wrapped } from "./page.ts";
import { stems } from "./stems.ts";
import { table } from "./table.ts";
import { dim, green, printLine, printLines, red } from "./terminal.ts";

const MOST_NAME = 40;
/** Room for the verdict, and for the signature's name behind it. */
const VERDICT = 8;
const NAME = 17;
const PROBLEM = "problem: ";

/** Print what an audit found about a merged adapter. */
export function printMergedAudit(audit: MergedAudit): void {
  const { name, rank, modules, normRatio, energy, effectiveRank } = audit;
  if (audit.mismatch !== null) {
    const [first, ...rest] = wrapped(printable(audit.mismatch), PROBLEM.length, PROBLEM.length);
    printLine(red(PROBLEM), first!);
    printLines(rest);
  }
  printParagraph(
    `${name}: ${plural(modules, "module")}, rank ${rank} (effective rank ${effectiveRank.toFixed(1)}), norm ratio ${figure(normRatio)}, energy ${figure(energy)}`,
  );
  printLine();
  printLines(
    table(
      ["adapter", "weight", "cosine with result", "share in it"],
      stems(audit.adapters).map((adapter, t) => [
        cut(adapter, MOST_NAME),
        audit.weights?.[t] ?? "?",
        cosineShown(audit.cosines[t]!),
        audit.kept[t] === "lost" ? "lost" : percent(audit.shares[t]!),
      ]),
    ),
  );
  printLine();
  for (const signature of audit.signatures) printSignature(signature);
  for (const text of audit.notes) printParagraph(`note: ${text}`, VERDICT);
  for (const text of audit.unseen) printParagraph(`not looked at: ${text}`, VERDICT);
  if (audit.next.length > 0) printLine();
  printNext(audit.next);
}

function printSignature({ id, found, text }: Signature): void {
  const head = id.padEnd(NAME);
  const [first, ...rest] = wrapped(printable(text), VERDICT + NAME, VERDICT + NAME);
  printLine(found === null ? dim("-       ") : found ? red("FOUND   ") : green("ok      "), `${head}${first}`);
  printLines(rest);
}
