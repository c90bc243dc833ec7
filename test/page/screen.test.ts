import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright";
import { describe, expect, it } from "vitest";
import { minibench, SEEN } from "../support/minibench.ts";
import { useBrowser } from "./chromium.ts";

const browser = useBrowser();
/** The largest view of a page that most notebooks show whole. */
const SCREEN = { width: 1280, height: 800 };
/** What the first view may fetch of the page's own files, gzipped, until the example set is drawn. */
const MOST_FIRST_KB = 140;

/** A page whose module is drawn, with all of its curves. */
async function onModule(adapters: readonly string[], of: object = {}): Promise<Page> {
  const page = await browser.open(adapters, { viewport: SCREEN, ...of });
  await page.getByRole("tab", { name: /^Module/ }).click();
  await page.getByRole("img", { name: /^Energy, k from 1/ }).waitFor();
  return page;
}

const bottomOf = async (page: Page, selector: string): Promise<number> => {
  const box = (await page.locator(selector).first().boundingBox())!;
  return box.y + box.height;
};

describe("the first view", () => {
  it("is the example set drawn, three sentences, one large button, and nothing else to read", async () => {
    const page = await browser.open([], { viewport: SCREEN });
    await page.locator("g.unit").first().waitFor();
    expect(await page.locator("g.unit").count()).toBe(42);
    expect(await page.locator(".story li").allTextContents()).toHaveLength(3);
    const open = page.getByRole("button", { name: "Open yours" });
    expect((await open.boundingBox())!.height).toBeGreaterThan(48);
    expect(await page.getByRole("tab").count()).toBe(0);
    expect(await bottomOf(page, ".story")).toBeLessThanOrEqual(SCREEN.height);
    expect((await page.locator(".story").textContent())!.split(/\s+/).length).toBeLessThan(60);
    await open.click();
    await page.getByRole("dialog", { name: "Open adapters" }).waitFor();
  });

  it("lets k fall by itself once, not for long, and not for those who want less motion", async () => {
    const page = await browser.open([], { viewport: SCREEN });
    const k = async () => Number(await page.getByLabel("clusters k").inputValue());
    await page.locator("g.unit").first().waitFor();
    const first = await k();
    await expect.poll(k, { timeout: 10_000 }).toBeLessThan(first);
    await expect.poll(k, { timeout: 10_000 }).toBe(6);
    const calm = await browser.open([], { viewport: SCREEN, reducedMotion: "reduce" });
    await calm.locator("g.unit").first().waitFor();
    expect(await calm.getByLabel("clusters k").inputValue()).toBe("6");
  });

  it(`fetches ${MOST_FIRST_KB} kB of code and styles until it is drawn`, async () => {
    const page = await browser.open([], { viewport: SCREEN });
    await page.locator("g.unit").first().waitFor();
    const again = await page.context().newPage();
    const fetched = new Map<string, Promise<Buffer>>();
    again.on("response", (response) => {
      const { pathname } = new URL(response.url());
      if (/\/$|\.(?:html|js|css|wasm)$/.test(pathname)) fetched.set(pathname, response.body());
    });
    await again.goto(page.url());
    await again.locator("g.unit").first().waitFor();
    const sizes = await Promise.all([...fetched.values()].map(async (body) => gzipSync(await body).length));
    expect([...fetched.keys()].filter((name) => /worker/.test(name))).not.toEqual([]);
    expect(sizes.reduce((sum, size) => sum + size, 0) / 1000).toBeLessThan(MOST_FIRST_KB);
  });

  it("gives way to adapters of one's own, which take the example's place", async () => {
    const page = await browser.open([], { viewport: SCREEN });
    await page.locator("g.unit").first().waitFor();
    await page
      .locator('input[type="file"]')
      .nth(1)
      .setInputFiles(join(minibench("cola"), "adapter_model.safetensors"));
    await page.getByRole("tab", { name: "Overview" }).waitFor();
    await expect.poll(() => page.locator(".chip b").allTextContents()).toEqual(["adapter_model"]);
  });
});

describe("the module's screen", () => {
  it("has the plane, curves, matrix, clusters and k at 1280 x 800, without scrolling", async () => {
    const page = await onModule(SEEN.map(minibench));
    for (const part of [".k-bar", ".plane", ".charts", ".matrix", "table.clusters thead"]) {
      expect(await bottomOf(page, part), part).toBeLessThanOrEqual(SCREEN.height);
    }
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThanOrEqual(SCREEN.height);
    expect(await bottomOf(page, ".chips")).toBeLessThan(100);
  });

  it("says whose rank it recommends, and why", async () => {
    const page = await onModule(SEEN.map(minibench));
    const button = page.getByRole("button", { name: "LEGO: 12" });
    expect(await button.getAttribute("title")).toMatch(/^Recommended for LEGO: /);
    await page.getByRole("tab", { name: "Overview" }).click();
    await page.getByText(/^Recommended: tsv, rank 6\. tsv was chosen for 7 adapters: /).waitFor();
  });

  it("marks the recommended k on the curves, and fills the merge form with the k that is used", async () => {
    const page = await onModule(SEEN.map(minibench));
    await page.getByRole("button", { name: "LEGO: 12" }).click();
    await page.getByText("Clusters at k = 12").waitFor();
    const [recommended, now] = [page.locator("g.recommended line").first(), page.locator("line.now").first()];
    expect(await now.getAttribute("x1")).toBe(await recommended.getAttribute("x1"));
    await page.getByLabel("clusters k").fill("9");
    await page.getByText("Clusters at k = 9").waitFor();
    await page.getByRole("button", { name: "Use this k" }).click();
    await page.getByText("Writes 28 modules of rank 9 in bf16").waitFor();
    expect(await page.getByLabel(/^Method/).inputValue()).toBe("lego");
    expect(await page.getByLabel("Rank --rank").inputValue()).toBe("9");
  });

  it("colours an outline by the adapters in it", async () => {
    const page = await onModule(["cola", "sst2"].map(minibench));
    await page.getByLabel("clusters k").fill("1");
    await page.getByText("Clusters at k = 1:").waitFor();
    await expect.poll(() => page.locator("g.hull").count()).toBe(1);
    const fill = () => page.locator("g.hull path").evaluate((path) => getComputedStyle(path).fill);
    const marks = await page
      .locator("g.unit > path")
      .evaluateAll((all) => all.map((one) => getComputedStyle(one).fill));
    const mean = [0, 1, 2].map((part) => {
      const values = marks.map((mark) => Number(mark.match(/\d+/g)![part]));
      return Math.round(Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length));
    });
    expect(await fill()).toBe(`rgb(${mean.join(", ")})`);
  });

  it("regroups in steps, or at once for those who want less motion", async () => {
    for (const reducedMotion of ["no-preference", "reduce"] as const) {
      const page = await onModule(["cola", "sst2"].map(minibench), { reducedMotion });
      const steps = await page.evaluate(async () => {
        const seen = new Set<string>();
        const slider = document.querySelector<HTMLInputElement>('input[aria-label="clusters k"]')!;
        const watch = new MutationObserver((all) => {
          for (const { target } of all) if (target instanceof SVGPathElement) seen.add(target.getAttribute("d")!);
        });
        watch.observe(document.querySelector(".plane svg")!, {
          subtree: true,
          attributes: true,
          attributeFilter: ["d"],
        });
        slider.value = "4";
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((done) => setTimeout(done, 1500));
        return seen.size;
      });
      if (reducedMotion === "reduce") expect(steps).toBeLessThanOrEqual(4);
      else expect(steps).toBeGreaterThan(4);
    }
  });

  it("draws the focus on the mark, where it covers no neighbour", async () => {
    const page = await onModule(["cola", "sst2"].map(minibench));
    await page.getByLabel("clusters k").focus();
    const unit = page.getByRole("button", { name: "cola, unit 0", exact: true });
    for (let step = 0; step < 20; step++) {
      await page.keyboard.press("Tab");
      if (await unit.evaluate((node) => node === document.activeElement)) break;
    }
    const ring = unit.locator(".ring");
    expect(await ring.evaluate((circle) => getComputedStyle(circle).visibility)).toBe("visible");
    expect(await unit.evaluate((node) => getComputedStyle(node).outlineStyle)).toBe("none");
    expect((await ring.boundingBox())!.width).toBeLessThan(26);
    expect(await ring.evaluate((circle) => getComputedStyle(circle).vectorEffect)).toBe("non-scaling-stroke");
  });

  it("zooms by buttons and keys, moves when it is dragged, and goes back", async () => {
    const page = await onModule(["cola", "sst2"].map(minibench));
    const unit = page.getByRole("button", { name: "cola, unit 0", exact: true });
    const place = async () => (await unit.boundingBox())!;
    const whole = await place();
    await page.getByRole("button", { name: "Zoom in" }).click();
    const near = await place();
    expect(near.x).not.toBeCloseTo(whole.x, 0);
    expect(near.width).toBeCloseTo(whole.width, 0);
    const plot = (await page.locator(".plane .plot").boundingBox())!;
    await page.mouse.move(plot.x + 5, plot.y + 5);
    await page.mouse.down();
    await page.mouse.move(plot.x + 35, plot.y + 25, { steps: 4 });
    await page.mouse.up();
    expect((await place()).x).toBeCloseTo(near.x + 30, 0);
    await unit.focus();
    await page.keyboard.press("0");
    expect((await place()).x).toBeCloseTo(whole.x, 0);
  });

  it.each([390, 1280, 1920])("has letters of 8 to 20 pixels in every chart, %i wide", async (width) => {
    const page = await onModule(SEEN.map(minibench), { viewport: { width, height: 900 } });
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
    const page = await onModule(SEEN.map(minibench));
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
});
