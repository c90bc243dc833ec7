import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright";
import { describe, expect, it } from "vitest";
import { minibench, SEEN } from "../support/minibench.ts";
import { useBrowser } from "./chromium.ts";
import { bottomOf, SCREEN } from "./module-page.ts";

const browser = useBrowser();
/**
 * What the first view may fetch of the page's own files, gzipped, until the example set is drawn. 1 kB is for what it says in words of its
 * own, for names that sentences follow, and for base models' configs: all of these are needed where adapters are opened.
 */
const MOST_FIRST_KB = 137;

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

  it("stays where a file is no adapter, which it says, and makes room for the next one that is", async () => {
    const page = await browser.open([], { viewport: SCREEN });
    const files = page.locator('input[type="file"]').nth(1);
    const wrong = { name: "cola.safetensors", mimeType: "", buffer: Buffer.from("not a tensor file at all") };
    await page.getByRole("listbox").waitFor();
    await files.setInputFiles(wrong);
    await page.locator(".chip.failed", { hasText: "cola.safetensors is not a" }).waitFor();
    await page.getByRole("listbox", { name: "42 units in the plane" }).waitFor();
    await page.getByRole("button", { name: "Explore the example" }).click();
    await page.getByText("recommended", { exact: true }).waitFor();
    await files.setInputFiles({ ...wrong, name: "rte.safetensors" });
    await page.locator(".chip.failed", { hasText: "rte.safetensors is not a" }).waitFor();
    expect(await page.locator(".chip summary b").allTextContents()).toEqual([...SEEN]);
    await page.getByRole("button", { name: "Remove the 2 that are not open" }).click();
    // It needs no other name beside the example's.
    await page.locator('input[type="file"]').first().setInputFiles(minibench("cola"));
    await expect.poll(() => page.locator(".chip b").allTextContents()).toEqual(["cola"]);
  });
});
