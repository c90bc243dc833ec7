/**
 * Pictures of the explorer's main views, at three widths, light and dark, into docs/images as WebP. The page's own canvas encodes them.
 *
 *   npm run build && node tools/page/screenshots.mjs       CHROMIUM names the browser where it is not /usr/bin/chromium
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { servePage } from "../../dist/node/ui/ui-server.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const TASKS = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const ADAPTERS = TASKS.map((task) => join(root, "examples/minibench/llama/all", task));
const SCREENS = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
];
/** Of WebP, from 0 to 1: text stays sharp. */
const QUALITY = 0.75;

/** What is done to see a view, on a page that has the adapters open; the first view has none. */
const VIEWS = {
  async first(page) {
    await page.getByRole("listbox").waitFor();
  },
  async overview(page) {
    await page.getByText(/^Recommended: /).waitFor();
    await page.locator("button.cell").last().waitFor();
  },
  async module(page) {
    // The page opens the module that changes most of those that it knows.
    await page.getByText(/^Recommended: /).waitFor();
    await page.getByRole("tab", { name: /^Module/ }).click();
    await page.getByRole("img", { name: /^Energy, k from 1 to 42/ }).waitFor();
  },
  async merge(page) {
    await page.getByRole("tab", { name: /Merge/ }).click();
    await page.getByText(/^Writes 28 modules/).waitFor();
    await page.getByRole("button", { name: "Merge", exact: true }).click();
    await page.getByRole("heading", { name: /^1\. tsv/ }).waitFor();
  },
};

const out = join(root, "docs/images");
mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  for (const viewport of SCREENS) for (const colorScheme of ["light", "dark"]) await shoot(viewport, colorScheme);
} finally {
  await browser.close();
}

/** Every view on one screen. */
async function shoot(viewport, colorScheme) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
  for (const [view, show] of Object.entries(VIEWS)) {
    const served = await servePage({ adapters: view === "first" ? [] : ADAPTERS });
    const page = await context.newPage();
    await page.goto(served.url);
    await show(page);
    // Until charts have the size of their boxes.
    await page.waitForTimeout(500);
    const file = `explorer-${view}-${viewport.width}-${colorScheme}.webp`;
    const bytes = await asWebp(context, await page.screenshot());
    writeFileSync(join(out, file), bytes);
    console.log(`${file}: ${(bytes.length / 1000).toFixed(0)} kB`);
    await page.close();
    await served.close();
  }
  await context.close();
}

/** A PNG as WebP. */
async function asWebp(context, png) {
  const page = await context.newPage();
  const url = await page.evaluate(
    async ([base64, quality]) => {
      const picture = new Image();
      picture.src = `data:image/png;base64,${base64}`;
      await picture.decode();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [picture.width, picture.height];
      canvas.getContext("2d").drawImage(picture, 0, 0);
      return canvas.toDataURL("image/webp", quality);
    },
    [png.toString("base64"), QUALITY],
  );
  await page.close();
  return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
}
