import { bytes, figure } from "../core/shown.ts";
import type { Comparison } from "./compare.ts";

/** The figures of compared merges as a table: one row per merge. */
export interface FiguresTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** The table that the terminal and the page show. */
export function figuresTable({ adapters, merges }: Comparison): FiguresTable {
  const cosines = adapters.map((name) => `cos ${name}`);
  return {
    head: ["method", "rank", "norm ratio", "energy", ...cosines, "sign conflicts", "effective rank", "seconds", "size"],
    rows: merges.map((merge) => [
      merge.method,
      merge.rank,
      figure(merge.normRatio),
      figure(merge.energy),
      ...merge.cosines.map(figure),
      figure(merge.signConflicts),
      merge.effectiveRank.toFixed(1),
      merge.seconds.toFixed(3),
      bytes(merge.bytes),
    ]),
  };
}
