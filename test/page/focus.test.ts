import type { Page } from "playwright";
import { expect, it } from "vitest";
import { minibench } from "../support/minibench.ts";
import { useBrowser } from "./chromium.ts";

const browser = useBrowser();

const focused = (page: Page): Promise<string> => page.evaluate(() => document.activeElement!.id);
/** Press a button by the keyboard. */
async function press(page: Page, name: string | RegExp): Promise<void> {
  const button = page.getByRole("button", { name }).first();
  await button.focus();
  await button.press("Enter");
}

it("goes to the view that a button leads to, from the first view too", async () => {
  const page = await browser.open();
  await press(page, "Explore the example");
  await expect.poll(() => focused(page)).toBe("panel");
  await press(page, "Use this k");
  await page.getByRole("heading", { name: "Merge 7 adapters" }).waitFor();
  await expect.poll(() => focused(page)).toBe("panel");
  await page.getByRole("tab", { name: "Overview" }).click();
  await press(page, "Set up this merge");
  await page.getByRole("heading", { name: "Merge 7 adapters" }).waitFor();
  await expect.poll(() => focused(page)).toBe("panel");
});

it("stays in the tabs where these lead, and is taken from nobody where a page begins", async () => {
  const page = await browser.open([minibench("cola")]);
  await page.getByRole("button", { name: /^model\.layers\.0\.mlp\.down_proj: / }).waitFor();
  expect(await focused(page)).toBe("");
  await page.getByRole("tab", { name: "Overview" }).focus();
  await page.keyboard.press("ArrowRight");
  expect(await focused(page)).toBe("tab-module");
});
