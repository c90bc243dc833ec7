import type { Audit } from "../../src/analysis/audit/audit-set.ts";
import type { MadeMerge } from "../../web/state/merge.ts";
import { freshPage, openAll, type Page } from "./page.ts";

/** A fresh page with three adapters open, and what advises there. */
export async function advisedPage(): Promise<{
  readonly page: Page;
  readonly advised: typeof import("../../web/state/advised.ts");
}> {
  const page = await freshPage();
  const advised = await import("../../web/state/advised.ts");
  await openAll(page, "one", "two", "zero");
  return { page, advised };
}

export const inputOf = (name: string, weight = 1) => ({ name, weight, baseModel: null, modules: 1 });
/** A result of these adapters. */
export const madeOf = (recipe: object, ...inputs: readonly object[]): MadeMerge =>
  ({
    name: "merged-lego-r2",
    recipe,
    report: { inputs, options: { method: "lego" }, totals: { rank: 2 } },
  }) as unknown as MadeMerge;
export const ALL = ["one", "two", "zero"].map((name) => inputOf(name));
export const weightsOf = (page: Page) => page.openAdapters.value.map(({ name, weight }) => [name, weight]);
/** What the overview recommends. */
export function recommend(page: Page, rank: number, lego: number): void {
  const recommendation = { method: "tsv", rank, lego: { method: "lego", rank: lego } };
  page.audited.value = { audit: { recommendation } as unknown as Audit, lost: [], conversions: {} };
}
