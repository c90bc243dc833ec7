import type { Page } from "playwright";
import { describe, expect, it } from "vitest";
import { minibench } from "../support/minibench.ts";
import { useBrowser } from "./chromium.ts";
import { onModule } from "./module-page.ts";

const browser = useBrowser();

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

describe("the plane of a module", () => {
  it("colours an outline by the adapters in it", async () => {
    const page = await onModule(browser, ["cola", "sst2"].map(minibench));
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
      const page = await onModule(browser, ["cola", "sst2"].map(minibench), { reducedMotion });
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
    const page = await onModule(browser, ["cola", "sst2"].map(minibench));
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
    const page = await onModule(browser, ["cola", "sst2"].map(minibench));
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
    const page = await onModule(browser, ["cola", "sst2"].map(minibench));
    const picture = () => page.locator(".plane canvas").evaluate((node) => (node as HTMLCanvasElement).toDataURL());
    const light = await picture();
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(picture).not.toBe(light);
  });

  it("zooms by buttons and keys, moves when it is dragged, and goes back", async () => {
    const page = await onModule(browser, ["cola", "sst2"].map(minibench));
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
    const page = await onModule(browser, ["cola", "sst2"].map(minibench));
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
});
