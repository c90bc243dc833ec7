import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright";
import { describe, expect, it } from "vitest";
import { minibench, SEEN } from "../support/minibench.ts";
import { useBrowser } from "./chromium.ts";

const browser = useBrowser();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe-core finds, in words. */
async function violations(page: Page): Promise<string[]> {
  const found = (await page.evaluate("axe.run()")) as { violations: Violation[] };
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** Every view of the page with adapters open. */
async function eachView(page: Page, look: (view: string) => Promise<void>): Promise<void> {
  await page.getByRole("button", { name: /^model\.layers\.3\.mlp\.up_proj: / }).waitFor();
  await page.getByText("No adapter is lost.").waitFor();
  await look("overview");
  await page.getByRole("button", { name: /^model\.layers\.3\.mlp\.up_proj: / }).click();
  await page.getByText(/^Clusters at k = /).waitFor();
  await look("module");
  await page.getByRole("tab", { name: /Merge/ }).click();
  await page.getByText(/^Chosen by the number of adapters: 1/).waitFor();
  await look("merge by auto");
  await page.getByLabel(/^Method/).selectOption("lego");
  await page.getByText("Options of lego").click();
  await page.getByText("search effort").waitFor();
  await page.getByRole("button", { name: "Merge", exact: true }).click();
  await page.getByRole("button", { name: "report.html" }).waitFor();
  await look("merge");
}

const adapters = SEEN.slice(0, 3).map(minibench);

describe("the explorer", () => {
  it.each(["light", "dark"] as const)("has nothing that axe-core finds fault with, %s", async (colorScheme) => {
    // The page's policy forbids foreign scripts, and so axe-core.
    const page = await browser.open(adapters, { colorScheme, bypassCSP: true });
    await page.addScriptTag({ content: axe });
    await eachView(page, async (view) => expect(await violations(page), view).toEqual([]));
  });

  it("opens the glossary in a tab of its own, accessible too", async () => {
    const page = await browser.open([], { bypassCSP: true });
    const [glossary] = await Promise.all([
      page.context().waitForEvent("page"),
      page.getByRole("link", { name: "Glossary" }).click(),
    ]);
    await glossary.getByRole("heading", { name: "Norm ratio" }).waitFor();
    await glossary.addScriptTag({ content: axe });
    expect(await violations(glossary)).toEqual([]);
  });

  it("explains in the glossary each figure and each sign of failure that it names", async () => {
    const page = await browser.open(adapters);
    const names: string[] = ["agreement", "sign", "metric", "PCA", "UMAP"];
    await eachView(page, async (view) => {
      if (view === "overview") names.push(...(await page.getByLabel("Figure").locator("option").allTextContents()));
      const charts = page.locator("summary[aria-label$=': figures and files']");
      if (view === "module")
        for (const chart of await charts.all()) names.push((await chart.getAttribute("aria-label"))!.split(":")[0]!);
      if (view !== "merge") return;
      await page.getByText(/^(Signs|No sign) of failure/).click();
      for (const text of await page.locator(".checks li").allTextContents())
        names.push(/^(?:✓ no |[✗–] )(.+?):/.exec(text)![1]!);
    });
    expect(names.length).toBeGreaterThan(5 + 5 + 6 + 7);
    await page.goto(new URL("glossary.html", page.url()).href);
    const explained = (await page.locator("h3, em").allTextContents()).flatMap((text) =>
      text.toLowerCase().split(/, | and /),
    );
    const lacking = names.filter((name) => !explained.some((own) => [own, `${own}s`].includes(name.toLowerCase())));
    expect(lacking).toEqual([]);
  });

  it.each([320, 768, 3840])("fits a window %i wide", async (width) => {
    const page = await browser.open(adapters, { viewport: { width, height: 800 } });
    await eachView(page, async (view) => {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, view).toBeLessThanOrEqual(width);
    });
  });

  it("is worked by keyboard alone", async () => {
    const page = await browser.open(adapters);
    await page.getByRole("button", { name: /^model\.layers\.3\.mlp\.up_proj: / }).waitFor();
    const reach = async (name: string | RegExp, role: "button" | "tab" | "listbox"): Promise<void> => {
      for (let step = 0; step < 120; step++) {
        if (await page.getByRole(role, { name }).evaluate((node) => node === document.activeElement)) return;
        await page.keyboard.press("Tab");
      }
      throw new Error(`${name} is not reached by Tab`);
    };
    await reach("Overview", "tab");
    await reach(/^model\.layers\.0\.mlp\.down_proj: /, "button");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "model.layers.1.mlp.down_proj" }).waitFor();
    await page.getByText(/^Clusters at k = /).waitFor();
    await reach("18 units in the plane", "listbox");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.getByRole("rowheader", { name: "cola 1", exact: true }).waitFor();
    await reach(/^Module/, "tab");
    await page.keyboard.press("ArrowRight");
    await page.getByText(/^Writes 28 modules/).waitFor();
    await reach(/^Merge$/, "button");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /^1\. tsv/ }).waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toMatch(/^1\. tsv/);
  });

  it.each([
    [1300, 900],
    [390, 844],
  ])("moves nothing that was drawn while adapters open and results arrive, %i x %i", async (width, height) => {
    const page = await browser.open(SEEN.map(minibench), { viewport: { width, height } });
    // What nobody's press explains; what happened before this is in the observer's buffer.
    await page.evaluate(() => {
      const own = globalThis as unknown as { shift: number };
      own.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[])
          if (!entry.hadRecentInput) own.shift += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    });
    const shift = () => page.evaluate(() => (globalThis as unknown as { shift: number }).shift);
    await page.getByText("No adapter is lost.").waitFor();
    const opened = await shift();
    expect(opened).toBeLessThan(0.1);
    await page.getByRole("tab", { name: "Merge" }).click();
    await page.getByRole("button", { name: "Merge by the five best" }).click();
    await page.getByRole("button", { name: /^5\. / }).waitFor();
    expect((await shift()) - opened).toBeLessThan(0.1);
  });
});
