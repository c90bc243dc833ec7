import { plural } from "../core/plural.ts";
import { bytes } from "../core/shown.ts";
import { methodById } from "../methods/registry.ts";
import type { MergedOutputPlan } from "../node/merge-adapters.ts";
import { type MergePlan, usedInputs } from "../plan/merge-plan.ts";
import { mostPromised } from "../plan/most-promised.ts";
import { budgetOf } from "../plan/plan-budget.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { printParagraph } from "./page.ts";
import { paddingShown, rankReason } from "./rank-shown.ts";
import { table } from "./table.ts";
import { printLine, printLines } from "./terminal.ts";

/** Print what a merge would write. */
export function printPlan(
  { plan, format, bytes: size }: MergedOutputPlan,
  out: string,
  asked: Pick<Recipe, "target">,
): void {
  const ranked = asked.target !== undefined;
  // Other formats have their own scales and element types.
  const scales = plan.sharedScale === null ? "scales folded in" : `scale ${plan.sharedScale}`;
  const budget = budgetOf(plan.target, plan.modules.length);
  // An energy rule sees values, and headers the most that they may ask for.
  const most = budget !== null || plan.target.kind === "energy" ? "at most " : "";
  const method = methodById(plan.method);
  const promised = mostPromised(plan, method);
  const adapters = inputRanksOf(plan);
  const reason = rankReason({ method, chosen: plan.chosen, asked: ranked, rank: promised, adapters });
  const padded = plan.consumer !== null && budget === null && promised < plan.rank;
  const ranks =
    budget === null ? `${most}rank ${plan.rank}${padded ? "" : reason}` : `${plural(budget, "rank")} to share out`;
  const form = format === "peft" ? `${plan.dtype.toLowerCase()}, ${scales}` : format;
  printLine(
    `${out} would hold ${plural(plan.modules.length, "module")} by ${plan.method}, ${ranks}, ${form}, ${most}${bytes(size)}; nothing was written.`,
  );
  if (padded) printParagraph(paddingShown(promised, reason, plan.rank, plan.consumer!, most !== ""));
  // For one adapter there was nothing to choose.
  if (plan.chosen !== null && plan.inputs.length > 1) printParagraph(plan.chosen);
  const unseen = unseenOf(plan, ranked);
  if (unseen.length > 0) printParagraph(`By headers alone: ${unseen.join(", and ")}.`);
  printLine();
  printLines(table(["module", "kind", "in", "out", "units", `${most}rank`], planRows(plan)));
}

/** What the values decide, which headers do not show. @param ranked whether somebody asked for a rank */
function unseenOf({ scale, chosen, inputs }: MergePlan, ranked: boolean): string[] {
  return [
    ...(scale === "auto" ? ["the merge computes its factor from the values"] : []),
    ...(!ranked && chosen !== null && inputs.length > 1
      ? ["lora-lego audit says whether the adapters ask for a larger rank"]
      : []),
  ];
}

/** The ranks of each adapter that takes part. */
function inputRanksOf(plan: MergePlan): number[][] {
  const ranksOf = (t: number) =>
    plan.modules.flatMap(({ parts }) => parts.flatMap(({ input, module }) => (input === t ? module.rank : [])));
  return [...usedInputs(plan)].map(ranksOf);
}

/** One row for all modules that differ in numbers of their paths alone, which become asterisks. */
function planRows({ modules }: MergePlan): (string | number)[][] {
  const rows = new Map<string, { readonly cells: readonly (string | number)[]; readonly names: string[] }>();
  for (const { name, kind, in: inputs, out, parts, rank } of modules) {
    const units = unitsShown(parts.map(({ module }) => module.rank));
    const cells = [name.replace(/(?<=^|[._])\d+(?=$|[._])/g, "*"), kind, inputs, out, units, rank];
    const row = rows.get(cells.join()) ?? { cells, names: [] };
    row.names.push(name);
    rows.set(cells.join(), row);
  }
  return [...rows.values()].map(({ cells: [pattern, ...cells], names }) => [
    names.length === 1 ? names[0]! : `${pattern} (${names.length})`,
    ...cells,
  ]);
}

/** The units of a module by adapter, one after the other: "4 + 2", and where neighbours have as many, "3 × 6". */
function unitsShown(ranks: readonly number[]): string {
  const starts = ranks.flatMap((rank, t) => (rank === ranks[t - 1] ? [] : t));
  return starts
    .map((start, i) => {
      const count = (starts[i + 1] ?? ranks.length) - start;
      return count === 1 ? ranks[start]! : `${count} × ${ranks[start]!}`;
    })
    .join(" + ");
}
