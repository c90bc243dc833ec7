/**
 * The explorer in Chromium on seven synthetic adapters of 80 MB (bench/make-inputs.mjs): a merge by lego beside what reading the same bytes
 * through Blob slices alone takes there plus what the command line's merge takes, and the longest task of the page's own thread meanwhile.
 *
 *   npm run bench:page       CHROMIUM names the browser where it is not /usr/bin/chromium
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright";
import { servePage } from "../dist/node/ui/ui-server.js";
import { longestTask } from "./longest-task.mjs";
import { makeInputs } from "./make-inputs.mjs";
import { median, run } from "./measure.mjs";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
/** Bytes of one slice: about A and B of a module. */
const SLICE = 1 << 18;
const LIMIT = 1.5;
const here = fileURLToPath(new URL(".", import.meta.url));
const inputs = makeInputs(join(here, "data"), 7);
const cli = join(here, "../dist/cli/main.js");
const out = join(here, "data/out");

const served = await servePage({ adapters: [] });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const page = await browser.newPage();
await page.goto(served.url);
for (const [t, folder] of inputs.entries()) {
  await page.locator('input[type="file"]').first().setInputFiles(folder);
  await page.locator(".chip", { hasText: `synthetic-0${t}` }).waitFor();
}
await page.waitForFunction((modules) => document.querySelectorAll("button.cell").length === modules, 224, {
  timeout: 120_000,
});
await page.getByRole("tab", { name: /Merge/ }).click();
await page.getByLabel(/^Method/).selectOption("lego");
await page.getByLabel("Rank --rank").fill("16");
await page.getByText(/^Writes 224 modules of rank 16/).waitFor({ timeout: 60_000 });
const renderer = await rendererOf(browser);

const seconds = { slices: [], cli: [], page: [] };
const megabytes = { before: [], cli: [], page: [] };
let longest = 0;
for (let round = 0; round < ROUNDS; round++) {
  seconds.slices.push(await slicesAlone());
  const command = await run([
    process.execPath,
    cli,
    "merge",
    ...inputs,
    "--method",
    "lego",
    "--rank",
    16,
    "--out",
    out,
    "--force",
  ]);
  seconds.cli.push(command.seconds);
  megabytes.cli.push(command.megabytes);
  megabytes.before.push(peakSince(renderer));
  const merged = await merge(round + 1);
  seconds.page.push(merged.seconds);
  megabytes.page.push(peakSince(renderer));
  longest = Math.max(longest, merged.longest);
}
const moving = await longestWhileKMoves();
await browser.close();
await served.close();

const [before, peakOfCli, peakOfPage] = [megabytes.before, megabytes.cli, megabytes.page].map((all) =>
  Math.max(...all),
);
const [slices, command, whole] = [seconds.slices, seconds.cli, seconds.page].map(median);
const ratio = whole / (slices + command);
console.log(`slices alone ${slices.toFixed(2)} s, command line ${command.toFixed(2)} s, page ${whole.toFixed(2)} s`);
console.log(`page / (slices + command line) = ${ratio.toFixed(2)} (at most ${LIMIT})`);
console.log(`longest task of the page's thread during a merge: ${longest.toFixed(0)} ms (at most 100)`);
console.log(
  `peak memory: command line ${peakOfCli.toFixed(0)} MB, the page's process ${peakOfPage.toFixed(0)} MB (${before.toFixed(0)} MB before the last merge)`,
);
console.log(
  `longest task of the page's thread while k moves over ${moving.units} units: ${moving.longest.toFixed(0)} ms of its processor time (at most 50)`,
);
process.exitCode = moving.longest <= 50 && ratio <= LIMIT && longest <= 100 ? 0 : 1;

/** Read all bytes of the same files in slices, one after the other. */
async function slicesAlone() {
  let sum = 0;
  for (const folder of inputs) {
    const probe = await page.evaluateHandle(() => {
      const made = document.createElement("input");
      made.type = "file";
      made.multiple = true;
      document.body.append(made);
      return made;
    });
    await probe.asElement().setInputFiles(join(folder, "adapter_model.safetensors"));
    sum += await probe.evaluate(async (made, slice) => {
      const [file] = made.files;
      const begun = performance.now();
      for (let at = 0; at < file.size; at += slice) await file.slice(at, at + slice).arrayBuffer();
      made.remove();
      return performance.now() - begun;
    }, SLICE);
  }
  return sum / 1000;
}

/** The process that the page and its workers run in. */
async function rendererOf(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const [most] = processInfo
    .filter(({ type }) => type === "renderer")
    .sort((one, other) => other.cpuTime - one.cpuTime);
  return most.id;
}

/** The most memory of a process since this was last asked, in MB, by the kernel's own high-water mark. */
function peakSince(pid) {
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1000;
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return peak;
}

/** Move k over all units of a module. */
async function longestWhileKMoves() {
  await page.getByRole("tab", { name: /^Module/ }).click();
  const units = 7 * 16;
  await page.getByRole("img", { name: `Energy, k from 1 to ${units - 1}` }).waitFor({ timeout: 120_000 });
  const longest = await longestTask(page, () =>
    page.evaluate(async (most) => {
      const slider = document.querySelector('input[aria-label="clusters k"]');
      for (let k = 4; k <= most; k += 4) {
        slider.value = String(k);
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((done) => setTimeout(done, 100));
      }
      await new Promise((done) => setTimeout(done, 1000));
    }, units),
  );
  return { units, longest };
}

/** Merge on the page; the longest task of its thread meanwhile, in ms. */
async function merge(number) {
  await page.evaluate(() => {
    globalThis.longest = 0;
    globalThis.noted = (entries) => {
      for (const { duration } of entries) globalThis.longest = Math.max(globalThis.longest, duration);
    };
    globalThis.observer = new PerformanceObserver((list) => globalThis.noted(list.getEntries()));
    globalThis.observer.observe({ entryTypes: ["longtask"] });
  });
  const begun = performance.now();
  await page.getByRole("button", { name: "Merge", exact: true }).click();
  await page.getByRole("heading", { name: `${number}. lego, rank 16` }).waitFor({ timeout: 120_000 });
  const took = (performance.now() - begun) / 1000;
  const longest = await page.evaluate(() => {
    globalThis.noted(globalThis.observer.takeRecords());
    globalThis.observer.disconnect();
    return globalThis.longest;
  });
  return { seconds: took, longest };
}
