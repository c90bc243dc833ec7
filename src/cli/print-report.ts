import type { DialectId } from "../adapter/adapter.ts";
import { maximum } from "../core/maximum.ts";
import { plural } from "../core/plural.ts";
import { bytes, figure, percent } from "../core/shown.ts";
import { methodById } from "../methods/registry.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { apartIn } from "../report/apart.ts";
import { type Composition, compositions } from "../report/compositions.ts";
import { keptOf } from "../report/kept.ts";
import type { MergeReport } from "../report/report.ts";
import { cut, printParagraph } from "./page.ts";
import { paddingShown, rankReason } from "./rank-shown.ts";
import { stems } from "./stems.ts";
import { table } from "./table.ts";
import { printLine, printLines } from "./terminal.ts";

const BAR_CELLS = 10;
const MOST_NAME = 24;
/** Of a name in a row that may have three of them. */
const MOST_IN_ROW = 18;
/** How many compositions are listed before one line sums up the rest. */
const MOST_COMPOSITIONS = 8;

/** What a recipe says about the rank. */
type Asked = Pick<Recipe, "target" | "for">;

/** Print the result of a merge, how it relates to each input, and what merged with what. */
export function printReport(report: MergeReport, out: string, format: DialectId, asked: Asked): void {
  const { totals, inputs, modules, chosen } = report;
  const rank = maximum(modules.map((module) => module.rank));
  const acting = inputs.flatMap((_, t) => (totals.shares[t] === null ? [] : t));
  const reason = rankReason({
    method: methodById(String(report.options.method)),
    chosen,
    asked: asked.target !== undefined,
    rank,
    adapters: acting.map((t) => modules.flatMap(({ inputRanks }) => inputRanks[t] ?? [])),
  });
  const padded = asked.for !== undefined && rank < totals.rank;
  printLine(
    `${out}${formatShown(format)}: ${plural(totals.modules, "module")}, rank ${totals.rank}${padded ? "" : reason}, ${totals.dtype}, ${bytes(totals.bytes)}`,
  );
  if (padded) printParagraph(paddingShown(rank, reason, totals.rank, asked.for!));
  const residual = totals.residual === null ? "" : `, residual of the cut ${figure(totals.residual)}`;
  printLine(`norm ratio ${figure(totals.normRatio)}, energy ${figure(totals.energy)}${residual}`);
  // For one adapter there was nothing to choose.
  if (chosen !== null && inputs.length > 1) printParagraph(chosen);
  if (report.autoScale !== null) printLine(factorShown(report.autoScale));
  if (report.budget !== null) printLine(budgetShown(report));
  printLine();
  const apart = apartIn(report);
  const names = stems(inputs.map(({ name }) => name)).map((name) => cut(name, MOST_NAME));
  printLines(
    table(
      ["adapter", "weight", "ranks", "modules", "cosine with result", "share in it"],
      inputs.map((input, t) => {
        const ranks = new Set(modules.flatMap(({ inputRanks }) => inputRanks[t] ?? []));
        return [
          names[t]!,
          input.weight,
          [...ranks].join(" "),
          input.modules,
          figure(totals.cosines[t]!),
          shareShown(totals.shares[t]!, totals.cosines[t]!, apart.has(t)),
        ];
      }),
    ),
  );
  const merged = compositions(
    report,
    inputs.map(({ name }) => cut(name, MOST_IN_ROW)),
  );
  if (merged.length === 0) return;
  printLine();
  printLines(
    table(
      ["what merged with what", "clusters", "units"],
      [...merged.slice(0, MOST_COMPOSITIONS), ...rest(merged.slice(MOST_COMPOSITIONS))],
    ),
  );
  printParagraph("A unit is one rank of an adapter: a row of A with its column of B. Each cluster became one.");
}

/** A share as a number and as a bar, which is full at 100%; of what is lost it says nothing. */
function shareShown(share: number | null, cosine: number | null, apart: boolean): string {
  if (share === null) return "-";
  if (keptOf(share, cosine, apart) === "lost") return "lost";
  const full = Math.round(BAR_CELLS * Math.min(1, Math.max(0, share)));
  return `${percent(share).padStart(4)} ${"█".repeat(full)}${"·".repeat(BAR_CELLS - full)}`;
}

function factorShown({ factor, rule }: NonNullable<MergeReport["autoScale"]>): string {
  const why = {
    pull: "computed from the adapters",
    "one adapter": "one adapter keeps its size",
    "nothing shared": "no module has two adapters",
    "no direction": "the adapters cancel each other out",
  };
  return `factor ${factor} (${why[rule]})`;
}

function budgetShown({ budget, modules }: MergeReport): string {
  const ranks = modules.map(({ rank }) => rank);
  return `budget: ${budget!.used} of ${plural(budget!.total, "rank")}, ${Math.min(...ranks)} to ${maximum(ranks)} for each module`;
}

function rest(rows: readonly Composition[]): Composition[] {
  if (rows.length === 0) return [];
  const sum = (column: 1 | 2): number => rows.reduce((total, row) => total + row[column], 0);
  return [[`${rows.length} more combinations`, sum(1), sum(2)]];
}

function formatShown(format: DialectId): string {
  return format === "peft" ? "" : ` (${format})`;
}
