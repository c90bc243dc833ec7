import { expect, it } from "vitest";
import { showTab, TABS, tab } from "../../web/state/tabs.ts";

it("shows the overview first, and then the tab that is chosen", () => {
  expect(tab.value).toBe("overview");
  showTab("merge");
  expect(TABS[tab.value]).toBe("Merge");
});
