import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { minibench, SEEN } from "../support/minibench.ts";
import { tempFolder } from "../support/pico.ts";
import { useBrowser } from "./chromium.ts";

const browser = useBrowser();
const MANY = 20;

describe("twenty adapters with long names, at 1280 x 800", () => {
  it("are all in the table of similarities, told of once where they are doubled, and merged by a button in view", async () => {
    const folder = tempFolder();
    const adapters = Array.from({ length: MANY }, (_, i) => {
      const path = join(folder, `adapter-with-a-long-name-${i}`);
      cpSync(minibench(SEEN[i % SEEN.length]!), path, { recursive: true });
      return path;
    });
    const page = await browser.open(adapters, { viewport: { width: 1280, height: 800 } });
    await page.getByText(/^Recommended: tsv/).waitFor();
    expect(await page.locator(".findings .error").count()).toBe(1);
    const hidden = await page
      .locator(".scroll", { has: page.locator(".similarity") })
      .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
    expect(hidden).toBe(0);
    await page.getByRole("tab", { name: "Merge" }).click();
    await page.getByText(/^Writes 28 modules/).waitFor();
    expect(await page.evaluate(() => scrollY)).toBe(0);
    const { y, height } = (await page.getByRole("button", { name: "Merge", exact: true }).boundingBox())!;
    expect(y + height).toBeLessThanOrEqual(800);
    const slider = page.locator(".weights input").last();
    await slider.focus();
    const at = (await slider.boundingBox())!;
    expect(at.width).toBeGreaterThan(120);
    expect(at.y + at.height).toBeLessThanOrEqual((await page.locator(".start").boundingBox())!.y);
  });
});
