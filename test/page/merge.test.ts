import type { Page } from "playwright";
import { describe, expect, it } from "vitest";
import { minibench, SEEN } from "../support/minibench.ts";
import { useBrowser } from "./chromium.ts";

const browser = useBrowser();
const SCREEN = { width: 1280, height: 800 };

/** A page with the form of a merge, planned. */
async function onForm(adapters: readonly string[] = SEEN, viewport: object = SCREEN): Promise<Page> {
  const page = await browser.open(adapters.map(minibench), { viewport });
  await page.getByRole("tab", { name: /Merge/ }).click();
  // The adapters' own rank, and not the one that the overview recommends.
  await page.getByText("recommended", { exact: true }).waitFor();
  await page.getByLabel("Rank --rank").fill("6");
  await page.getByText(/^Writes 28 modules of rank 6/).waitFor();
  return page;
}

const merge = (page: Page) => page.getByRole("button", { name: "Merge", exact: true });
const inView = (page: Page, selector: string): Promise<boolean> =>
  page
    .locator(selector)
    .first()
    .evaluate((node) => {
      const { top, bottom } = node.getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    });

describe("a merge at 1280 x 800", () => {
  it("has nothing of its flow below the fold, by auto and with a method's options folded", async () => {
    const page = await onForm();
    expect(await inView(page, ".start button")).toBe(true);
    await page.getByLabel(/^Method/).selectOption("lego");
    await page.getByText(/^Writes 28 modules/).waitFor();
    expect(await page.getByLabel("gauge").isVisible()).toBe(false);
    for (const part of [".start", ".weights", ".merge-form details:last-of-type > summary"])
      expect(await inView(page, part), part).toBe(true);
    await page.getByText("Options of lego").click();
    expect(await inView(page, ".start button")).toBe(true);
    await merge(page).click();
    await page.getByRole("heading", { name: "1. lego, rank 6" }).waitFor();
    for (const part of [".result h3", ".loss", ".result fieldset", ".advice"])
      expect(await inView(page, part), part).toBe(true);
  });
});

describe("form and results at 1280 x 800", () => {
  it("scroll each by themselves, with tabs and adapters in view and no height left over", async () => {
    const page = await onForm();
    for (const method of ["auto", "lego"]) {
      await page.getByLabel(/^Method/).selectOption(method);
      await page.getByText(/^Writes 28 modules/).waitFor();
      await merge(page).click();
      await page.getByRole("heading", { name: method === "auto" ? /^1\. tsv/ : /^2\. lego/ }).waitFor();
    }
    expect(await page.evaluate(() => scrollY)).toBe(0);
    for (const part of ["header", ".chips", ".result h3", ".start button"])
      expect(await inView(page, part), part).toBe(true);
    const { cut, under } = await page.locator(".merge-form > .stack").evaluate((pane) => ({
      cut: pane.scrollHeight > pane.clientHeight,
      under: innerHeight - document.querySelector(".start")!.getBoundingClientRect().bottom,
    }));
    // Nothing is cut while there is room below.
    if (cut) expect(under).toBeLessThan(24);
  });
});

describe("the form's first fields", () => {
  it.each([SCREEN, { width: 390, height: 844 }])(
    "have names of one line, and their places, in %o",
    async (viewport) => {
      const page = await onForm(["cola", "sst2", "mrpc"], viewport);
      await page.getByText("recommended", { exact: true }).waitFor();
      const fields = page.locator(".first label");
      const heights = await fields.locator("> span").evaluateAll((all) => all.map((one) => one.clientHeight));
      expect(Math.max(...heights)).toBeLessThan(30);
      const places = () =>
        fields.evaluateAll((all) => {
          const [first] = all.map((one) => one.getBoundingClientRect().top);
          return all.map((one) => [one.getBoundingClientRect().left, one.getBoundingClientRect().top - first!]);
        });
      const before = await places();
      // Neither a note that goes nor what a method does not offer moves them.
      await page.getByLabel("Rank --rank").fill("5");
      await page.getByText(/^Writes 28 modules of rank 5/).waitFor();
      expect(await page.getByText("recommended", { exact: true }).count()).toBe(0);
      expect(await places()).toEqual(before);
    },
  );
});

describe("a result", () => {
  it.each([SCREEN, { width: 390, height: 844 }])(
    "takes the focus and is scrolled into view, in %o",
    async (viewport) => {
      const page = await onForm(["cola", "sst2"], viewport);
      await merge(page).click();
      const heading = page.getByRole("heading", { name: /^1\. tsv/ });
      await heading.waitFor();
      await expect.poll(() => heading.evaluate((node) => node === document.activeElement)).toBe(true);
      for (const part of [".result h3", ".loss", ".result fieldset"]) expect(await inView(page, part), part).toBe(true);
    },
  );

  it("ends with what the command line ends with: what is lost, what to try, which a button does, and how to load it", async () => {
    const page = await onForm();
    await page.getByLabel(/^Method/).selectOption("lego");
    await page.getByText(/^Writes 28 modules/).waitFor();
    await merge(page).click();
    await page.getByText(/^No adapter is lost\. The result holds \d+% of \w+ to \d+% of \w+\.$/).waitFor();
    await page.getByText("Signs of failure: mixed clusters, scale too small").click();
    expect(await page.locator(".checks li").count()).toBe(8);
    await page.getByText("✗ scale too small: the adapters ask for factor").waitFor();
    await page.getByText("Load it").click();
    await page
      .getByText("vllm serve lora-lego/minibench-llama --enable-lora --lora-modules merged-lego-r6=merged-lego-r6")
      .waitFor();
    await page.getByText(/^At a larger rank LEGO groups the units of one seed by what they do/).waitFor();
    // One merge is the remedy of both failed checks, as in the terminal.
    await page.getByRole("button", { name: "Merge with rank 12, factor auto" }).click();
    await page.getByRole("heading", { name: "2. lego, rank 12" }).waitFor();
    expect(await page.getByLabel("Rank --rank").inputValue()).toBe("12");
    // What stands there already is shown, and not offered.
    await page.getByRole("button", { name: "1. lego, rank 6" }).click();
    expect(await page.getByRole("button", { name: "Merge with rank 12" }).count()).toBe(0);
    await page.getByRole("button", { name: "See 2. lego, rank 12" }).click();
    await page.getByRole("heading", { name: "2. lego, rank 12" }).waitFor();
  });

  it("of the five best methods stands beside the others, in one scale, with what was measured", async () => {
    const page = await onForm();
    await merge(page).click();
    await page.getByRole("heading", { name: "1. tsv, rank 6" }).waitFor();
    await page.getByRole("button", { name: "Merge by the five best" }).click();
    await page.getByRole("button", { name: /^5\. iso_cts/ }).waitFor({ timeout: 60_000 });
    await page.getByRole("heading", { name: "1. tsv, rank 6" }).waitFor();
    const beside = page.getByRole("region", { name: "Results side by side" });
    expect(await beside.getByRole("img", { name: /holds: cola \d+%, mnli \d+%/ }).count()).toBe(5);
    const lines = await beside.locator("line.all").evaluateAll((all) => all.map((one) => one.getAttribute("x1")));
    expect(new Set(lines).size).toBe(1);
    expect(await beside.getByText("accuracy").count()).toBe(5);
    await beside.locator("figure", { hasText: "1. tsv" }).getByText("95.1%").waitFor();
    // At the rank that auto takes of seven, with the factor that it computes.
    await page.getByLabel("Rank --rank").fill("12");
    await page.getByText("Writes 28 modules of rank 12").waitFor();
    await merge(page).click();
    await page.getByRole("heading", { name: "6. tsv, rank 12" }).waitFor();
    await beside.locator("figure", { hasText: "6. tsv" }).getByText("95.6%").waitFor();
    await page.getByLabel(/^Method/).selectOption("lego");
    await page.getByText("Writes 28 modules of rank 12").waitFor();
    await merge(page).click();
    await page.getByRole("heading", { name: "7. lego, rank 12" }).waitFor();
    await beside.locator("figure", { hasText: "7. lego" }).getByText("94.1%").waitFor();
  });

  it("follows the weights of the sliders", async () => {
    const page = await onForm(["cola", "sst2"]);
    await page.getByRole("slider", { name: "cola" }).fill("0");
    await page.getByText(/^Writes 28 modules/).waitFor();
    await merge(page).click();
    await page.getByRole("heading", { name: /^1\./ }).waitFor();
    await page
      .getByText(/^The result holds|100% of sst2/)
      .first()
      .waitFor();
    await page.getByRole("img", { name: /sst2 100%/ }).waitFor();
  });
});
