import { isJsonObject, type JsonValue } from "../../formats/json.ts";

/** The clusters of a merge as its report lists them: for each module, for each cluster, the adapter of each unit. */
export interface RecordedClusters {
  /** Names of the adapters. */
  readonly inputs: readonly string[];
  /** null if the method does not cluster. */
  readonly modules: readonly (readonly (readonly number[])[])[] | null;
}

/** Read a report's clusters (docs/report.md). @returns null if it is no report of a merge */
export function recordedClusters(report: JsonValue): RecordedClusters | null {
  if (!isJsonObject(report) || report.version !== 1) return null;
  const { inputs, modules } = report;
  if (!isList(inputs) || !isList(modules)) return null;
  const names = inputs.map((input) => (isJsonObject(input) && typeof input.name === "string" ? input.name : null));
  const clusters = modules.map((module) =>
    isJsonObject(module) ? clustersOf(module.clusters, names.length) : undefined,
  );
  if (names.includes(null) || clusters.includes(undefined)) return null;
  const known = clusters.filter((own) => own !== null && own !== undefined);
  return { inputs: names.filter((name) => name !== null), modules: known.length === 0 ? null : known };
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
