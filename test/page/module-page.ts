import type { Page } from "playwright";
import { expect } from "vitest";
import type { useBrowser } from "./chromium.ts";

/** The largest view of a page that most notebooks show whole. */
export const SCREEN = { width: 1280, height: 800 };

/** A page whose module is drawn, with all of its curves. */
export async function onModule(
  browser: ReturnType<typeof useBrowser>,
  adapters: readonly string[],
  of: object = {},
): Promise<Page> {
  const page = await browser.open(adapters, { viewport: SCREEN, ...of });
  // Another one that opens later would open the module anew.
  await expect.poll(() => page.locator(".chip small", { hasText: "rank" }).count()).toBe(adapters.length);
  await page.getByRole("tab", { name: /^Module/ }).click();
  await page.getByRole("img", { name: /^Energy, k from 1/ }).waitFor();
  return page;
}

export const bottomOf = async (page: Page, selector: string): Promise<number> => {
  const box = (await page.locator(selector).first().boundingBox())!;
  return box.y + box.height;
};
