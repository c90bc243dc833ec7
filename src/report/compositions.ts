import type { MergeReport } from "./report.ts";

/** Clusters that draw from the same adapters: the adapters, the number of clusters, and the number of their units. */
export type Composition = [what: string, clusters: number, units: number];

/** Clusters over all modules by the adapters that they draw from, most units first. */
export function compositions({ modules, inputs }: MergeReport): Composition[] {
  const rows = new Map<string, Composition>();
  for (const { clusters } of modules) {
    for (const { members } of clusters ?? []) {
      const from = [...new Set(members.map(([input]) => input))].sort((one, other) => one - other);
      const names = from.map((input) => inputs[input]!.name).join(" + ");
      const what = members.length === 1 ? `${names} (single unit)` : from.length === 1 ? `${names} (own units)` : names;
      const row: Composition = rows.get(what) ?? [what, 0, 0];
      rows.set(what, [what, row[1] + 1, row[2] + members.length]);
    }
  }
  return [...rows.values()].sort((one, other) => other[2] - one[2] || one[0].localeCompare(other[0], "en"));
}
