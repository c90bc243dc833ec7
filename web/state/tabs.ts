import { effect, signal } from "@preact/signals";

export const TABS = { overview: "Overview", module: "Module", merge: "Merge" } as const;
export type Tab = keyof typeof TABS;

export const tab = signal<Tab>("overview");

export function showTab(to: Tab): void {
  tab.value = to;
}

/** How often something in a view led to another one, which takes the focus then: what had it is gone. */
export const led = signal(0);

/** Show another view, and give it the focus. */
export function leadTo(to: Tab): void {
  showTab(to);
  led.value++;
}

/** Make every tab that is shown from now on a step of the browser's history, so that Back leads to the one before. */
export function rememberTabs(): void {
  const shown = (state: unknown): Tab | null => {
    const own = (state as { tab?: unknown } | null)?.tab;
    return typeof own === "string" && Object.hasOwn(TABS, own) ? (own as Tab) : null;
  };
  history.replaceState({ tab: tab.peek() }, "");
  effect(() => {
    if (shown(history.state) !== tab.value) history.pushState({ tab: tab.value }, "");
  });
  addEventListener("popstate", ({ state }) => showTab(shown(state) ?? tab.peek()));
}
