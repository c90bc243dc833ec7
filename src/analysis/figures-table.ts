import { bytes, figure } from "../core/shown.ts";
import type { ComparedMerge, Comparison } from "./compare.ts";
import { MEASURED_BOUNDS } from "./measured-methods.ts";

/** The figures of compared merges as a table: one row per merge. */
export interface FiguresTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** The whole table, for the page. */
export function figuresTable({ adapters, merges }: Comparison): FiguresTable {
  const cosines = adapters.map((name) => `cos ${name}`);
  return {
    head: [
      ...["method", "rank", "norm ratio", "energy", ...cosines, "sign conflicts", "effective rank", "seconds", "size"],
      "measured",
    ],
    rows: inMeasuredOrder(merges).map((merge) => [
      merge.method,
      merge.rank,
      figure(merge.normRatio),
      figure(merge.energy),
      ...merge.cosines.map(figure),
      figure(merge.signConflicts),
      merge.effectiveRank.toFixed(1),
      merge.seconds.toFixed(3),
      bytes(merge.bytes),
      measuredShown(merge),
    ]),
  };
}

/** What `measured` means, in lines that fit a page with its name before them. */
export const MEASURED_LINES: readonly string[] = [
  "mean accuracy in % on seven tasks of a small Llama, seven adapters at",
  "their rank 6, or twice it: as merged / with --scale auto (*: the best",
  "factor); for three or more language adapters of one rank, merged so.",
  `Own adapters score ${decimal(MEASURED_BOUNDS.own)}, the base model ${decimal(MEASURED_BOUNDS.base)} (docs/evidence.md)`,
];

/** Merges by what their methods scored, best first; those of methods that were not measured follow in their order. */
export function inMeasuredOrder(merges: readonly ComparedMerge[]): ComparedMerge[] {
  const scored = ({ measured }: ComparedMerge): number => measured?.withFactor ?? 0;
  return [...merges].sort((one, other) => scored(other) - scored(one));
}

/** What a merge's method scored: as merged, and with a factor. */
export function measuredShown({ measured }: Pick<ComparedMerge, "measured">): string {
  if (measured === null) return "-";
  const { asMerged, withFactor, auto } = measured;
  return `${decimal(asMerged)} / ${decimal(withFactor)}${auto ? "" : "*"}`;
}

/** Methods that do not take the adapters, those with the same reason together. */
export function refusalsByReason({ refused }: Pick<Comparison, "refused">): { methods: string; reason: string }[] {
  const groups = new Map<string, { methods: string[]; reason: string }>();
  for (const { method, reason } of refused) {
    const same = reason.replaceAll(method, "");
    const group = groups.get(same) ?? { methods: [], reason };
    group.methods.push(method);
    groups.set(same, group);
  }
  return [...groups.values()].map(({ methods, reason }) => ({
    methods: methods.join(", "),
    reason: methods.length === 1 ? reason : reason.replace(new RegExp(`^${methods[0]} `), "each "),
  }));
}

function decimal(value: number): string {
  return value.toFixed(1);
}
