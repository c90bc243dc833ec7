import type { Fix } from "../plan/warning.ts";
import { FIXES } from "./fixes.ts";
import type { MergeReport } from "./report.ts";

/**
 * The merges to try instead of one that was made: with all that mends its warnings, and what `--method auto` takes, each with the reason.
 * Nothing is decided here; the report's warnings and its advice say what to change.
 */
export function nextMerges({ warnings, advice }: Pick<MergeReport, "warnings" | "advice">): Fix[] {
  const fixes = warnings.flatMap(({ fix, instead }) => [fix ?? [], instead ?? []].flat());
  return groupedFixes([...(advice === null ? [] : [FIXES.auto(advice)]), ...fixes]);
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
