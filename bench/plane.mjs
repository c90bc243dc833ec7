/**
 * Frames a second while the unit plane is dragged with more and more marks in it, in Chromium without a graphics card: the page's own marks,
 * copied to other places, as a module of that many units would have them.
 *
 *   npm run build && node bench/plane.mjs       CHROMIUM names the browser where it is not /usr/bin/chromium
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { servePage } from "../dist/node/ui/ui-server.js";

/** The most units of a module that the page draws, and the number that the explorer was to reach. */
const COUNTS = [42, 1000, 4096, 20_000];
const SECONDS = 3;
const tasks = fileURLToPath(new URL("../examples/minibench/llama/all", import.meta.url));
const adapters = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"].map((task) => join(tasks, task));
const served = await servePage({ adapters });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(served.url);
  await page.getByRole("tab", { name: /^Module/ }).click();
  await page.getByRole("img", { name: /^Energy, k from 1/ }).waitFor();
  await page.getByRole("button", { name: "Zoom in" }).click();
  const { x, y, width, height } = await page.locator(".plane .plot").boundingBox();
  const middle = { x: x + width / 2, y: y + height / 2 };
  for (const count of COUNTS) {
    await page.evaluate(addMarks, count);
    const frames = page.evaluate(framesIn, SECONDS);
    await page.mouse.move(middle.x, middle.y);
    await page.mouse.down();
    const until = performance.now() + 1000 * SECONDS;
    for (let step = 0; performance.now() < until; step++) {
      await page.mouse.move(middle.x + 60 * Math.sin(step / 9), middle.y + 60 * Math.cos(step / 7));
    }
    await page.mouse.up();
    const { drawn, moved } = await frames;
    console.log(`${count} marks: ${(drawn / SECONDS).toFixed(0)} frames a second, the plane moved in ${moved} of them`);
  }
} finally {
  await browser.close();
  await served.close();
}

/** Copies of the marks at other places, until there are this many. */
function addMarks(count) {
  const marks = [...document.querySelectorAll(".plane g.unit")];
  const { width, height } = document.querySelector(".plane svg").viewBox.baseVal;
  for (let i = marks.length; i < count; i++) {
    const copy = marks[i % 42].cloneNode(true);
    const [px, py] = [((i * 0.618034) % 1) * width, ((i * 0.754878) % 1) * height];
    copy.setAttribute("transform", `translate(${px.toFixed(1)} ${py.toFixed(1)}) scale(5.5)`);
    marks[0].parentNode.append(copy);
  }
}

/** Frames that the page draws, and those in which the plane is at another place than before. */
function framesIn(seconds) {
  const group = document.querySelector(".plane svg > g");
  return new Promise((done) => {
    const end = performance.now() + 1000 * seconds;
    let [drawn, moved, before] = [0, 0, ""];
    const next = (now) => {
      drawn++;
      const place = group.getAttribute("transform");
      if (place !== before) moved++;
      before = place;
      if (now < end) requestAnimationFrame(next);
      else done({ drawn, moved });
    };
    requestAnimationFrame(next);
  });
}
