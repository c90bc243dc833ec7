import { methodById } from "../methods/registry.ts";
import type { Fix, Warning } from "../plan/warning.ts";
import { FIXES } from "./fixes.ts";
import { fittingRank, type RankNeeds, rankNeeds } from "./rank-rule.ts";
import type { MergeReport } from "./report.ts";
import { reportedChoice } from "./reported-choice.ts";

/** A report as its remedies see it. */
type Mended = Pick<MergeReport, "warnings" | "advice" | "modules" | "totals" | "options" | "autoScale">;

/**
 * The merges to try instead of one that was made: with all that mends its warnings, and what `--method auto` takes, each with the reason.
 * Nothing is decided here; the report's warnings and its advice say what to change.
 */
export function nextMerges(report: Mended): Fix[] {
  const { warnings, advice, options, autoScale, totals } = report;
  const { method, acting, crowded } = reportedChoice(report);
  const byItsMethod = options.method === method;
  const recomputed = !crowded && acting > 1 && autoScale === null && (options.scale !== 1 || byItsMethod);
  const fixes = warnings.flatMap(({ fix, instead }) => [fix ?? [], instead ?? []].flat());
  const own = groupedFixes(fixes, recomputed);
  // With its method and its factor, the merge is the one that it takes.
  const told = advice === null || (byItsMethod && own.some(({ scale }) => scale === "auto"));
  const auto = crowded ? null : rankOfAuto(needsOf(report, method), totals.rank);
  return [...(told ? own : groupedFixes([FIXES.auto(advice, auto), ...fixes], recomputed)), ...withoutLost(warnings)];
}

/** The merge without all lost adapters, which is the same in the warning of each. */
export function withoutLost(warnings: readonly Warning[]): Fix[] {
  return warnings.flatMap(({ without }) => without ?? []).slice(0, 1);
}

/** The rank that `--method auto` has to be told; null if it takes it by itself, and the merge that was made has it. */
export function rankOfAuto(needs: RankNeeds, made: number): number | null {
  const { rank, because } = fittingRank(needs);
  return because !== "energy" && rank === made ? null : rank;
}

/** What a rank has to hold by a method. */
function needsOf({ modules, totals }: Pick<Mended, "modules" | "totals">, method: string): RankNeeds {
  const parts = modules.map(({ inputRanks, in: inputs, out }) => ({
    parts: inputRanks.flatMap((rank, input) => (rank === null ? [] : [{ input, module: { rank, in: inputs, out } }])),
  }));
  const acts = totals.shares.map((share) => share !== null);
  return rankNeeds({ modules: parts, acts, alike: false, forEnergy: totals.rankForMost }, methodById(method));
}

/**
 * Changes as at most two merges: all that keep the method, and all that change it. A merge that is made again asks for another factor, so
 * one stands only where nothing else changes.
 *
 * @param recomputed whether the factor is computed for the other merge: where somebody chose one, where the adapters ask for another one,
 * and by the method that auto takes, which was measured so
 */
export function groupedFixes(fixes: readonly Fix[], recomputed: boolean): Fix[] {
  const own = fixes.filter(({ method }) => method === undefined);
  const remade = own.filter(({ scale }) => typeof scale !== "number");
  const others = fixes.filter(({ method }) => method !== undefined);
  return [remade.length > 0 ? remade : own, others]
    .filter(({ length }) => length > 0)
    .map(together)
    .map((fix) => (recomputed && isOther(fix) ? { ...fix, scale: "auto" as const } : fix));
}

/** Whether a merge by the same method comes out otherwise than one of another factor or element type. */
export function isOther({ method, scale, rank, weights, sizes, options }: Fix): boolean {
  const changed = [rank, weights, sizes, options].some((own) => own !== undefined);
  return changed && method === undefined && scale === undefined;
}

/** Whether adapters count otherwise then. */
function recounts({ leaves, weights, sizes }: Fix): boolean {
  return [leaves, weights, sizes].some((own) => own !== undefined);
}

/** Several changes as one. A rank that was found for all adapters as they count is none for a sum in which they count otherwise. */
function together(all: readonly Fix[]): Fix {
  const recounted = all.some(recounts);
  const fixes = all.filter((fix) => !recounted || recounts(fix) || fix.rank === undefined);
  const options = Object.assign({}, ...fixes.map((fix) => fix.options));
  return {
    ...Object.assign({}, ...fixes),
    why: [...new Set(fixes.map(({ why }) => why))].join(" "),
    ...(Object.keys(options).length > 0 && { options }),
  };
}
