import { isJsonObject, type JsonValue } from "../../formats/json.ts";

/** Figures of a report are those of the result before its numbers were rounded to their element type: bf16 has eight bits. */
const ROUNDING = 0.005;

/** What a merge's clusters are called where they were not looked at. */
export const CLUSTERS = "clusters";

/** The clusters of a merge, and what tells whether it made a result. */
export interface RecordedClusters {
  /** For each module, for each cluster, the adapter of each unit; null if the method does not cluster. */
  readonly modules: readonly (readonly (readonly number[])[])[] | null;
  /** The figures of its result; cosines in the adapters' order. */
  readonly of: ResultFigures;
}

/** A result's figures that another merge of the same adapters hardly has. */
export interface ResultFigures {
  readonly rank: number;
  readonly normRatio: number | null;
  readonly cosines: readonly (number | null)[];
}

/** A merge as its report tells it. */
export interface RecordedReport {
  readonly inputs: readonly { readonly name: string; readonly sha256: string | null }[];
  readonly modules: RecordedClusters["modules"];
  readonly of: ResultFigures;
}

/** Whether a result has the figures of the merge that a report is about. */
export function isResultOf(of: ResultFigures, { rank, normRatio, cosines }: ResultFigures): boolean {
  const near = (one: number | null, other: number | null, size: number): boolean =>
    one === null || other === null || Math.abs(one - other) <= ROUNDING * size;
  return (
    of.rank === rank &&
    near(of.normRatio, normRatio, normRatio ?? 0) &&
    cosines.every((cosine, t) => near(of.cosines[t] ?? null, cosine, 1))
  );
}

/** Read a report's clusters (docs/report.md). @returns null if it is no report of a merge */
export function recordedReport(report: JsonValue): RecordedReport | null {
  if (!isJsonObject(report) || report.version !== 1) return null;
  const { inputs, modules, totals } = report;
  if (!isList(inputs) || !isList(modules)) return null;
  const named = inputs.flatMap((input) =>
    isJsonObject(input) && typeof input.name === "string"
      ? [{ name: input.name, sha256: typeof input.sha256 === "string" ? input.sha256 : null }]
      : [],
  );
  const clusters = modules.map((module) =>
    isJsonObject(module) ? clustersOf(module.clusters, inputs.length) : undefined,
  );
  const of = figuresOf(totals, inputs.length);
  if (named.length < inputs.length || clusters.includes(undefined) || of === null) return null;
  const known = clusters.filter((own) => own !== null && own !== undefined);
  return { inputs: named, modules: known.length === 0 ? null : known, of };
}

/** null if they are not what a report holds. */
function figuresOf(totals: JsonValue | undefined, inputs: number): ResultFigures | null {
  if (totals === undefined || !isJsonObject(totals)) return null;
  const { rank, normRatio, cosines } = totals;
  const isFigure = (value: JsonValue | undefined): value is number | null =>
    value === null || typeof value === "number";
  if (typeof rank !== "number" || !isFigure(normRatio) || !isList(cosines) || cosines.length !== inputs) return null;
  return cosines.every(isFigure) ? { rank, normRatio, cosines } : null;
}

/** null if there are none, undefined if they are not what a report holds. */
function clustersOf(value: JsonValue | undefined, inputs: number): number[][] | null | undefined {
  if (value === null) return null;
  if (!isList(value)) return undefined;
  const owners = value.map((cluster) =>
    isJsonObject(cluster) && isList(cluster.members)
      ? cluster.members.map((id) => (isList(id) ? id[0] : null))
      : [null],
  );
  const fits = (owner: JsonValue | undefined): owner is number =>
    Number.isInteger(owner) && (owner as number) >= 0 && (owner as number) < inputs;
  return owners.every((own) => own.every(fits)) ? (owners as number[][]) : undefined;
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
