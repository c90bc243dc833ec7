/**
 * The unit plane while it is dragged and while k changes, with more and more units, in Chromium without a graphics card: frames a second,
 * what a frame takes of the processors (page and compositor), and the longest task of the page's thread.
 *
 *   npm run build && node bench/plane.mjs       CHROMIUM names the browser where it is not /usr/bin/chromium
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { build, preview } from "vite";
import { longestTask } from "./longest-task.mjs";

/** The most units of a module that the page draws is 4096; 20,000 is what the drawing was to reach. */
const COUNTS = [42, 1000, 4096, 20_000];
const SECONDS = 3;
const folder = fileURLToPath(new URL("plane", import.meta.url));
const outDir = mkdtempSync(join(tmpdir(), "bench-plane-"));
const shared = {
  configFile: fileURLToPath(new URL("../web/vite.config.ts", import.meta.url)),
  root: folder,
  logLevel: "error",
};
await build({ ...shared, build: { outDir } });
const server = await preview({ ...shared, build: { outDir }, preview: { port: 0, host: "127.0.0.1" } });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const page = await browser.newPage({ viewport: { width: 640, height: 620 } });
  for (const count of COUNTS) {
    await page.goto(`${server.resolvedUrls.local[0]}?units=${count}`);
    await page.getByRole("button", { name: "Zoom in" }).click();
    // First for the browser's compiler.
    await dragged(page);
    const { frames, seconds, processor } = await dragged(page);
    const changing = await longestTask(page, async () => {
      await page.evaluate(() => globalThis.regroup());
      await page.waitForTimeout(1500);
    });
    console.log(
      `${count} units: ${(frames / seconds).toFixed(0)} frames a second while dragged, ` +
        `${((1000 * processor) / frames).toFixed(1)} ms of a processor each; ` +
        `longest task while k changes ${changing.toFixed(0)} ms of it`,
    );
  }
} finally {
  await browser.close();
  await server.close();
  rmSync(outDir, { recursive: true });
}

/** What dragging takes: frames, seconds, and seconds of processors. */
async function dragged(page) {
  const session = await browser.newBrowserCDPSession();
  const used = async () => {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    return processInfo.reduce((sum, { type, cpuTime }) => sum + (/renderer|GPU/.test(type) ? cpuTime : 0), 0);
  };
  const before = await used();
  const drawn = await page.evaluate(drag, SECONDS);
  return { ...drawn, processor: (await used()) - before };
}

/** Drag the plane from frame to frame, for some seconds. */
async function drag(most) {
  const plot = document.querySelector(".plot");
  plot.setPointerCapture = () => {};
  const { left, top, width, height } = plot.getBoundingClientRect();
  const send = (type, step) => {
    const [clientX, clientY] = [left + width / 2 + 60 * Math.sin(step / 9), top + height / 2 + 60 * Math.cos(step / 7)];
    plot.dispatchEvent(new PointerEvent(type, { clientX, clientY, pointerId: 1, bubbles: true }));
  };
  send("pointerdown", 0);
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  let frames = 0;
  while (seconds() < most) {
    await new Promise(requestAnimationFrame);
    send("pointermove", ++frames);
  }
  send("pointerup", frames);
  return { frames, seconds: seconds() };
}
