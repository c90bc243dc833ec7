import type { MergeReport } from "./report.ts";

/** Clusters that draw from the same adapters: the adapters, the number of clusters, and the number of their units. */
export type Composition = [what: string, clusters: number, units: number];

/** Clusters over all modules by the adapters that they draw from, most units first. @param names of the adapters */
export function compositions(
  { modules, inputs }: Pick<MergeReport, "modules" | "inputs">,
  names: readonly string[] = inputs.map(({ name }) => name),
): Composition[] {
  const rows = new Map<string, Composition>();
  for (const { clusters } of modules) {
    for (const { members } of clusters ?? []) {
      const from = [...new Set(members.map(([input]) => input))].sort((one, other) => one - other);
      const who = namesOf(from, names);
      const what = members.length === 1 ? `${who}, not merged` : from.length === 1 ? `${who} with itself` : who;
      const row: Composition = rows.get(what) ?? [what, 0, 0];
      rows.set(what, [what, row[1] + 1, row[2] + members.length]);
    }
  }
  return [...rows.values()].sort((one, other) => other[2] - one[2] || one[0].localeCompare(other[0], "en"));
}

/** "a + b"; many adapters are told by those that are missing. */
function namesOf(from: readonly number[], names: readonly string[]): string {
  const missing = names.filter((_, t) => !from.includes(t));
  if (names.length > 3 && missing.length === 0) return `all ${names.length}`;
  if (names.length > 3 && missing.length === 1) return `all but ${missing[0]}`;
  return from.map((input) => names[input]).join(" + ");
}
