import { signal } from "@preact/signals";

export const TABS = { overview: "Overview", module: "Module", merge: "Merge" } as const;
export type Tab = keyof typeof TABS;

export const tab = signal<Tab>("overview");

export function showTab(to: Tab): void {
  tab.value = to;
}
