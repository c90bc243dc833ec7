import { maximum } from "../core/maximum.ts";
import { type AutoChoice, chooseMethod } from "../methods/auto.ts";
import { MAX_UNITS } from "../units/memory.ts";
import type { MergeReport } from "./report.ts";

/** What `--method auto` takes for the adapters of a merge that was made. */
export interface ReportedChoice extends AutoChoice {
  /** How many adapters change something. */
  readonly acting: number;
  /** Whether a module has more units than have a matrix of all pairs. */
  readonly crowded: boolean;
}

/** What `--method auto` takes for the adapters of a report. */
export function reportedChoice({ modules, totals }: Pick<MergeReport, "modules" | "totals">): ReportedChoice {
  const units = modules.map(({ inputRanks }) => inputRanks.reduce<number>((sum, rank) => sum + (rank ?? 0), 0));
  const acting = totals.shares.filter((share) => share !== null).length;
  const crowded = maximum(units) > MAX_UNITS;
  return { ...chooseMethod(acting, crowded), acting, crowded };
}
