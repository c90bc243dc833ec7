import type { Fix, Warning } from "../plan/warning.ts";
import { MAX_UNITS } from "../units/memory.ts";
import { FIXES } from "./fixes.ts";
import { fittingRank, rankNeeds } from "./rank-rule.ts";
import type { MergeReport } from "./report.ts";

/** A report as its remedies see it. */
type Mended = Pick<MergeReport, "warnings" | "advice" | "modules" | "totals">;

/**
 * The merges to try instead of one that was made: with all that mends its warnings, and what `--method auto` takes, each with the reason.
 * Nothing is decided here; the report's warnings and its advice say what to change.
 */
export function nextMerges(report: Mended): Fix[] {
  const { warnings, advice } = report;
  const fixes = warnings.flatMap(({ fix, instead }) => [fix ?? [], instead ?? []].flat());
  return [
    ...groupedFixes([...(advice === null ? [] : [FIXES.auto(advice, rankOfAuto(report))]), ...fixes]),
    ...withoutLost(warnings),
  ];
}

/** The merge without all lost adapters, which is the same in the warning of each. */
export function withoutLost(warnings: readonly Warning[]): Fix[] {
  return warnings.flatMap(({ without }) => without ?? []).slice(0, 1);
}

/** The rank that `--method auto` has to be told, since the merge that was made has less than fits; null if it has enough. */
function rankOfAuto({ modules, totals }: Pick<Mended, "modules" | "totals">): number | null {
  const parts = modules.map(({ inputRanks }) => ({
    parts: inputRanks.flatMap((rank, input) => (rank === null ? [] : [{ input, module: { rank } }])),
  }));
  const acts = totals.shares.map((share) => share !== null);
  const needs = rankNeeds({ modules: parts, acts, alike: false, forEnergy: totals.rankForMost }, false);
  if (needs.units > MAX_UNITS) return null;
  const { rank } = fittingRank(needs);
  return rank > totals.rank ? rank : null;
}

/**
 * Changes as at most two merges: all that keep the method, and all that change it. A merge that is made again asks for another factor, so
 * one stands only where nothing else changes.
 */
export function groupedFixes(fixes: readonly Fix[]): Fix[] {
  const own = fixes.filter(({ method }) => method === undefined);
  const remade = own.filter(({ scale }) => typeof scale !== "number");
  const others = fixes.filter(({ method }) => method !== undefined);
  return [remade.length > 0 ? remade : own, others].filter(({ length }) => length > 0).map(together);
}

/** Several changes as one. */
function together(fixes: readonly Fix[]): Fix {
  const options = Object.assign({}, ...fixes.map((fix) => fix.options));
  return {
    ...Object.assign({}, ...fixes),
    why: [...new Set(fixes.map(({ why }) => why))].join(" "),
    ...(Object.keys(options).length > 0 && { options }),
  };
}
