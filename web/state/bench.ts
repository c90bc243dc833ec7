import { signal } from "@preact/signals";
import type { BenchResult } from "../../src/evaluate/bench.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { closeExample } from "./adapters.ts";
import { intro } from "./intro.ts";
import { showTab } from "./tabs.ts";

/** What `lora-lego bench --json` printed; null until it is dropped on the page. */
export const bench = signal<BenchResult | null>(null);

/** Take a value if it is the result of a benchmark. */
export function takeBench(value: unknown): boolean {
  const found = value as Partial<BenchResult> | null;
  const good =
    typeof found?.base?.seen === "number" &&
    Array.isArray(found.merges) &&
    found.merges.every(({ name, plain }) => typeof name === "string" && typeof plain?.seen === "number");
  if (!good) return false;
  bench.value = found as BenchResult;
  // The first view has no place for it, and its example is none of it.
  if (intro.value) closeExample();
  showTab("merge");
  return true;
}

/** Mean accuracy of the merge that is named like the method, at the same rank, 0 to 1: with a searched factor if there is one; null if there is no such merge. */
export function accuracyOf({ options, totals }: MergeReport): number | null {
  const method = String(options.method);
  const named = bench.value?.merges.filter(({ name }) => name.toLowerCase() === method) ?? [];
  const found = named.find(({ rank }) => rank === totals.rank) ?? named.find(({ rank }) => rank === null);
  return found === undefined ? null : (found.searched ?? found.plain).seen;
}
