import { describe, expect, it } from "vitest";
import { minibench, SEEN } from "../support/minibench.ts";
import { useBrowser } from "./chromium.ts";
import { bottomOf, onModule, SCREEN } from "./module-page.ts";

const browser = useBrowser();

describe("the module's screen", () => {
  it("has the plane, curves, matrix, clusters and k at 1280 x 800, without scrolling", async () => {
    const page = await onModule(browser, SEEN.map(minibench));
    for (const part of [".k-bar", ".plane", ".charts", ".matrix", "table.clusters thead"]) {
      expect(await bottomOf(page, part), part).toBeLessThanOrEqual(SCREEN.height);
    }
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThanOrEqual(SCREEN.height);
    expect(await bottomOf(page, ".chips")).toBeLessThan(100);
  });

  it("says whose rank it recommends, and why", async () => {
    const page = await onModule(browser, SEEN.map(minibench));
    // It begins there.
    await page.getByText("Clusters at k = 12").waitFor();
    await page.getByLabel("clusters k").fill("9");
    const button = page.getByRole("button", { name: "Recommended: 12" });
    expect(await button.getAttribute("title")).toMatch(/^Recommended for LEGO: /);
    await page.getByRole("tab", { name: "Overview" }).click();
    await page.getByText(/^Recommended: tsv, rank 12\. tsv was chosen for 7 adapters: /).waitFor();
  });

  it("marks the recommended k on the curves, and fills the merge form with the k that is used", async () => {
    const page = await onModule(browser, SEEN.map(minibench));
    await page.getByLabel("clusters k").fill("10");
    await page.getByRole("button", { name: "Recommended: 12" }).click();
    await page.getByText("Clusters at k = 12").waitFor();
    // In one go: both marks move while the curves grow.
    const [now, recommended] = await page.evaluate(() =>
      ["line.now", "g.recommended line"].map((mark) => document.querySelector(mark)!.getAttribute("x1")),
    );
    expect(now).toBe(recommended);
    await page.getByLabel("clusters k").fill("9");
    await page.getByText("Clusters at k = 9").waitFor();
    await page.getByRole("button", { name: "Use this k" }).click();
    await page.getByText("Writes 28 modules of rank 9 in bf16").waitFor();
    expect(await page.getByLabel(/^Method/).inputValue()).toBe("lego");
    expect(await page.getByLabel("Rank --rank").inputValue()).toBe("9");
  });

  it.each([390, 1280, 1920])("has letters of 8 to 20 pixels in every chart, %i wide", async (width) => {
    const page = await onModule(browser, SEEN.map(minibench), { viewport: { width, height: 900 } });
    // In one go: what was found is drawn anew while the curves grow.
    const heights = await page.evaluate(() =>
      Array.from(document.querySelectorAll("svg text"), (text) => text.getBoundingClientRect().height),
    );
    expect(heights.length).toBeGreaterThan(20);
    for (const height of heights) {
      expect(height).toBeGreaterThanOrEqual(8);
      expect(height).toBeLessThanOrEqual(20);
    }
  });

  it("has titles of one line and no figure of an axis cut off in the charts at 1280 x 800", async () => {
    const page = await onModule(browser, SEEN.map(minibench));
    const charts = await page.locator(".line-chart").evaluateAll((all) =>
      all.map((chart) => {
        const left = chart.querySelector(".plot")!.getBoundingClientRect().left;
        return {
          caption: chart.querySelector("figcaption")!.getBoundingClientRect().height,
          room: Math.min(
            ...Array.from(chart.querySelectorAll("text"), (text) => text.getBoundingClientRect().left - left),
          ),
        };
      }),
    );
    expect(charts).toHaveLength(5);
    expect(new Set(charts.map(({ caption }) => Math.round(caption))).size).toBe(1);
    for (const { room } of charts) expect(room).toBeGreaterThanOrEqual(0);
  });

  it("has the tabs first on a phone", async () => {
    const page = await browser.open(SEEN.map(minibench), { viewport: { width: 390, height: 844 } });
    expect((await page.getByRole("tab", { name: "Overview" }).boundingBox())!.y).toBeLessThan(20);
  });

  it("says on a phone why an adapter cannot be read, in lines as wide as the screen", async () => {
    const viewport = { width: 390, height: 844 };
    const page = await browser.open(SEEN.map(minibench), { viewport });
    const buffer = Buffer.from("not a tensor file at all");
    const file = { name: "a-file-of-another-kind.safetensors", mimeType: "application/octet-stream", buffer };
    await page.locator('input[type="file"]').nth(1).setInputFiles(file);
    const failed = page.locator(".chip.failed");
    await failed.getByText(/is not a/).waitFor();
    const box = (await failed.boundingBox())!;
    expect(box.width).toBeGreaterThan(340);
    expect(box.height).toBeLessThan(160);
    expect(box.x + box.width).toBeLessThanOrEqual(viewport.width);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width);
    await failed.getByRole("button", { name: /^Remove / }).click();
    await expect.poll(() => failed.count()).toBe(0);
  });
});
