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
  // Another one that opens later would open the module anew.
  await expect.poll(() => page.locator(".chip small", { hasText: "rank" }).count()).toBe(adapters.length);
  await page.getByRole("tab", { name: /^Module/ }).click();
  await page.getByRole("img", { name: /^Energy, k from 1/ }).waitFor();
  return page;
}

/** How many colours cover at least twenty pixels of the marks' canvas. */
const coloursDrawn = (page: Page): Promise<number> =>
  page.locator(".plane canvas").evaluate(async (node) => {
    const canvas = node as HTMLCanvasElement;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    const counts = new Map<number, number>();
    for (const pixel of new Uint32Array(data.buffer))
      if (pixel >>> 24 === 255) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    return [...counts.values()].filter((count) => count >= 20).length;
  });

/** The middle of the current unit's ring, in the picture. */
const ringAt = (page: Page) =>
  page.locator(".units .ring").evaluate((ring) => {
    const [own, all] = [ring.getBoundingClientRect(), ring.closest(".plot")!.getBoundingClientRect()];
    return { x: own.x + own.width / 2 - all.x, y: own.y + own.height / 2 - all.y, width: own.width };
  });

/** The first two adapters' colours. */
const COLOURS = [
  [0x00, 0x72, 0xb2, 255],
  [0xe6, 0x9f, 0x00, 255],
];

/** The pixel of the marks' canvas at a place. */
const drawnAt = (page: Page, { x, y }: { x: number; y: number }): Promise<number[]> =>
  page.locator(".plane canvas").evaluate(
    async (node, [px, py]) => {
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      const pixel = (node as HTMLCanvasElement).getContext("2d")!.getImageData(Math.round(px!), Math.round(py!), 1, 1);
      return [...pixel.data];
    },
    [x, y],
  );

const bottomOf = async (page: Page, selector: string): Promise<number> => {
  const box = (await page.locator(selector).first().boundingBox())!;
  return box.y + box.height;
};

describe("the first view", () => {
  it("is the example set drawn, three sentences, one large button, and nothing else to read", async () => {
    const page = await browser.open([], { viewport: SCREEN });
    await page.getByRole("listbox", { name: "42 units in the plane" }).waitFor();
    expect(await coloursDrawn(page)).toBeGreaterThanOrEqual(7);
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
    await page.getByRole("listbox").waitFor();
    const first = await k();
    await expect.poll(k, { timeout: 10_000 }).toBeLessThan(first);
    await expect.poll(k, { timeout: 10_000 }).toBe(12);
    const calm = await browser.open([], { viewport: SCREEN, reducedMotion: "reduce" });
    await calm.getByRole("listbox").waitFor();
    await expect.poll(() => calm.getByLabel("clusters k").inputValue()).toBe("12");
  });

  it("leads to the module that it draws, however soon, at the k that it came to, which is recommended", async () => {
    const page = await browser.open([], { viewport: SCREEN });
    await page.getByRole("button", { name: "Explore the example" }).click();
    await page.getByText("recommended", { exact: true }).waitFor();
    expect(await page.getByRole("combobox", { name: /^module/ }).inputValue()).toBe("model.layers.3.mlp.up_proj");
    expect(await page.getByLabel("clusters k").inputValue()).toBe("12");
  });

  it(`fetches ${MOST_FIRST_KB} kB of code and styles until it is drawn`, async () => {
    const page = await browser.open([], { viewport: SCREEN });
    await page.getByRole("listbox").waitFor();
    const again = await page.context().newPage();
    const fetched = new Map<string, Promise<Buffer>>();
    again.on("response", (response) => {
      const { pathname } = new URL(response.url());
      if (/\/$|\.(?:html|js|css|wasm)$/.test(pathname)) fetched.set(pathname, response.body());
    });
    await again.goto(page.url());
    await again.getByRole("listbox").waitFor();
    const sizes = await Promise.all([...fetched.values()].map(async (body) => gzipSync(await body).length));
    expect([...fetched.keys()].filter((name) => /worker/.test(name))).not.toEqual([]);
    expect(sizes.reduce((sum, size) => sum + size, 0) / 1000).toBeLessThan(MOST_FIRST_KB);
  });

  it("gives way to adapters of one's own, which take the example's place", async () => {
    const page = await browser.open([], { viewport: SCREEN });
    await page.getByRole("listbox").waitFor();
    await page
      .locator('input[type="file"]')
      .nth(1)
      .setInputFiles(["adapter_model.safetensors", "adapter_config.json"].map((file) => join(minibench("cola"), file)));
    await page.getByRole("tab", { name: "Overview" }).waitFor();
    await expect.poll(() => page.locator(".chip b").allTextContents()).toEqual(["adapter"]);
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
    // It begins there.
    await page.getByText("Clusters at k = 12").waitFor();
    await page.getByLabel("clusters k").fill("9");
    const button = page.getByRole("button", { name: "Recommended: 12" });
    expect(await button.getAttribute("title")).toMatch(/^Recommended for LEGO: /);
    await page.getByRole("tab", { name: "Overview" }).click();
    await page.getByText(/^Recommended: tsv, rank 12\. tsv was chosen for 7 adapters: /).waitFor();
  });

  it("marks the recommended k on the curves, and fills the merge form with the k that is used", async () => {
    const page = await onModule(SEEN.map(minibench));
    await page.getByLabel("clusters k").fill("10");
    await page.getByRole("button", { name: "Recommended: 12" }).click();
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
    const mean = [0, 1, 2].map((part) => {
      // Six units of each.
      const values = COLOURS.map((color) => color[part]!);
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

  it("draws the focus on the mark, where it covers no neighbour, with the unit's name", async () => {
    const page = await onModule(["cola", "sst2"].map(minibench));
    await page.getByLabel("clusters k").focus();
    const list = page.getByRole("listbox", { name: "12 units in the plane" });
    const ring = page.locator(".units [role=option]");
    const opacity = () => ring.evaluate((node) => getComputedStyle(node).opacity);
    expect(await opacity()).toBe("0");
    for (let step = 0; step < 20; step++) {
      await page.keyboard.press("Tab");
      if (await list.evaluate((node) => node === document.activeElement)) break;
    }
    expect(await opacity()).toBe("1");
    expect(await list.evaluate((node) => getComputedStyle(node).outlineStyle)).toBe("none");
    await page.getByText("cola, unit 0", { exact: true }).waitFor();
    const at = await ringAt(page);
    expect(at.width).toBeLessThan(26);
    expect(await drawnAt(page, at)).toEqual(COLOURS[0]);
  });

  it("names the unit under the pointer, and chooses what is pressed", async () => {
    const page = await onModule(["cola", "sst2"].map(minibench));
    const { x, y } = await ringAt(page);
    const plot = (await page.locator(".plane .plot").boundingBox())!;
    await page.mouse.move(plot.x + x + 2, plot.y + y + 2);
    await page.getByText("cola, unit 0", { exact: true }).last().waitFor();
    await page.mouse.down();
    await page.mouse.up();
    await page.getByRole("rowheader", { name: "cola 0", exact: true }).waitFor();
    expect(await page.locator(".units [aria-selected=true]").getAttribute("aria-label")).toBe("cola, unit 0");
    await page.mouse.move(plot.x + 1, plot.y + 1);
    await expect.poll(() => page.locator(".units [aria-hidden]").count()).toBe(0);
  });

  it("draws its marks anew where the system turns dark", async () => {
    const page = await onModule(["cola", "sst2"].map(minibench));
    const picture = () => page.locator(".plane canvas").evaluate((node) => (node as HTMLCanvasElement).toDataURL());
    const light = await picture();
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(picture).not.toBe(light);
  });

  it("zooms by buttons and keys, moves when it is dragged, and goes back", async () => {
    const page = await onModule(["cola", "sst2"].map(minibench));
    const whole = await ringAt(page);
    await page.getByRole("button", { name: "Zoom in" }).click();
    const near = await ringAt(page);
    expect(near.x).not.toBeCloseTo(whole.x, 0);
    expect(near.width).toBeCloseTo(whole.width, 0);
    const plot = (await page.locator(".plane .plot").boundingBox())!;
    await page.mouse.move(plot.x + 5, plot.y + 5);
    await page.mouse.down();
    await page.mouse.move(plot.x + 35, plot.y + 25, { steps: 4 });
    await page.mouse.up();
    expect((await ringAt(page)).x).toBeCloseTo(near.x + 30, 0);
    await page.getByRole("listbox").focus();
    await page.keyboard.press("0");
    expect((await ringAt(page)).x).toBeCloseTo(whole.x, 0);
  });

  it("shows the unit that the arrow keys come to, also where it was outside of what is magnified", async () => {
    const page = await onModule(["cola", "sst2"].map(minibench));
    await page.getByRole("listbox").focus();
    for (let times = 0; times < 8; times++) await page.keyboard.press("+");
    const { width, height } = (await page.locator(".plane .plot").boundingBox())!;
    for (let step = 0; step < 12; step++) {
      await page.keyboard.press("ArrowRight");
      const { x, y } = await ringAt(page);
      expect(x >= 0 && x <= width && y >= 0 && y <= height, `step ${step}: ${x}, ${y}`).toBe(true);
      expect(COLOURS, `step ${step}`).toContainEqual(await drawnAt(page, { x, y }));
    }
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
