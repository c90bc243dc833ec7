import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import type { Page } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { minibench } from "../support/minibench.ts";
import { MockHub } from "../support/mock-hub.ts";
import { tempFolder } from "../support/pico.ts";
import { useBrowser } from "./chromium.ts";
import { answerForTheHub, filesOf } from "./hub-in-page.ts";

const folder = tempFolder();
const browser = useBrowser();

async function saved(page: Page, click: () => Promise<void>): Promise<{ name: string; bytes: Buffer; path: string }> {
  const [file] = await Promise.all([page.waitForEvent("download"), click()]);
  const path = join(folder, file.suggestedFilename());
  await file.saveAs(path);
  return { name: file.suggestedFilename(), bytes: readFileSync(path), path };
}

/** A page with two adapters, one of them heavier, and k = 9 chosen for the merge. */
async function worked(): Promise<Page> {
  const page = await browser.open(["cola", "sst2"].map(minibench));
  await page.getByRole("tab", { name: /^Module/ }).click();
  await page.getByText("Clusters at k = 6").waitFor();
  await page.getByLabel("clusters k").fill("9");
  await page.getByRole("button", { name: "Use this k" }).click();
  await page.getByRole("slider", { name: "sst2" }).fill("0.5");
  await page.getByText("Writes 28 modules of rank 9").waitFor();
  return page;
}

const rank = (page: Page) => page.getByLabel("Rank --rank").inputValue();
const weights = (page: Page) => page.locator(".weights output").allTextContents();

describe("results", () => {
  it("are there after a reload, with their files, until they are forgotten", async () => {
    const page = await worked();
    await page.getByRole("button", { name: "Merge", exact: true }).click();
    await page.getByRole("heading", { name: "1. lego, rank 9" }).waitFor();
    const name = "adapter_model.safetensors";
    const download = () => saved(page, () => page.getByRole("button", { name }).click());
    const before = (await download()).bytes;
    const checks = page.getByText(/^(Signs|No sign) of failure/);
    const found = await checks.textContent();
    await page.reload();
    await page.getByRole("tab", { name: "Merge (1)" }).click();
    const heading = page.getByRole("heading", { name: "1. lego, rank 9" });
    await heading.waitFor();
    expect(await checks.textContent()).toBe(found);
    // It is not new, and so takes no focus.
    expect(await heading.evaluate((node) => node === document.activeElement)).toBe(false);
    expect((await download()).bytes.equals(before)).toBe(true);
    await page.getByText("Keep", { exact: true }).click();
    await page.getByRole("button", { name: "Forget results and form" }).click();
    await page.getByText("Forget 1 result and what the form says? Nothing brings them back.").waitFor();
    await page.getByRole("button", { name: "Keep them" }).click();
    await heading.waitFor();
    await page.getByRole("button", { name: "Forget results and form" }).click();
    await page.getByRole("button", { name: "Forget", exact: true }).click();
    await page.getByText("Results and form are forgotten.").waitFor();
    await page.reload();
    await page.getByRole("tab", { name: "Merge", exact: true }).waitFor();
  });
});

describe("the form of a merge", () => {
  it("is as it was left after a reload, weights too, until it is forgotten", async () => {
    const page = await worked();
    const merge = page.getByRole("tab", { name: "Merge", exact: true });
    const said = async () => [
      await page.getByLabel(/^Method/).inputValue(),
      await rank(page),
      await page.getByLabel("Factor of the delta --scale").inputValue(),
      await weights(page),
    ];
    await page.getByLabel("Factor of the delta --scale").fill("0.8");
    await page.getByText("Options of lego").click();
    await page.getByLabel("gauge").selectOption("balanced");
    for (let reload = 0; reload < 2; reload++) {
      await page.reload();
      await merge.click();
      await page.getByText("Writes 28 modules of rank 9").waitFor();
      await expect.poll(said).toEqual(["lego", "9", "0.8", ["1", "0.5"]]);
      // Options that are set are to be seen.
      expect(await page.getByLabel("gauge").inputValue()).toBe("balanced");
    }
    await page.getByText("Keep", { exact: true }).click();
    await page.getByRole("button", { name: "Forget results and form" }).click();
    await page.getByText("Forget what the form says? Nothing brings it back.").waitFor();
    await page.getByRole("button", { name: "Forget", exact: true }).click();
    await page.getByText("Results and form are forgotten.").waitFor();
    const fresh = ["auto", "6", "", ["1", "1"]];
    await expect.poll(said).toEqual(fresh);
    await page.reload();
    await merge.click();
    await expect.poll(said).toEqual(fresh);
  });
});

describe("the page", () => {
  it("comes back from a link and from a file: settings, weights, and the adapters as they are opened", async () => {
    const page = await worked();
    await page.getByText("Keep", { exact: true }).click();
    await page.getByRole("button", { name: "Copy a link to this page" }).click();
    const link = await page.getByRole("textbox", { name: /link|Copied/ }).inputValue();
    const file = await saved(page, () => page.getByRole("button", { name: "Save this page as a file" }).click());
    expect(link).toContain("#page=");

    const linked = await browser.open(["cola", "sst2"].map(minibench));
    await linked.goto(`${linked.url()}#${link.split("#")[1]}`);
    await linked.getByText("Writes 28 modules of rank 9").waitFor();
    expect([await rank(linked), await weights(linked)]).toEqual(["9", ["1", "0.5"]]);

    const restored = await browser.open(["cola", "sst2"].map(minibench));
    await restored.locator('input[type="file"]').nth(1).setInputFiles(file.path);
    await restored.getByText("Writes 28 modules of rank 9").waitFor();
    expect(await restored.getByLabel(/^Method/).inputValue()).toBe("lego");
  });

  it("names the files that only their owner can open again, and says what is wrong with a link that is cut off", async () => {
    const page = await browser.open();
    const source = { from: "files", name: "mine" };
    const state = encodeURIComponent(
      JSON.stringify({ adapters: [{ source, name: "judge", weight: 2 }], tab: "merge" }),
    );
    await page.goto(`${page.url()}#page=${state}`);
    await page.getByText("A page cannot open files by itself; open these again: mine (named judge).").waitFor();
    // The example set, which the first view drew, is none of its adapters.
    expect(await page.locator(".chip").count()).toBe(0);
    await page.goto(`${page.url().split("#")[0]}#page=${state.slice(0, 40)}`);
    await page.getByText("The link is cut off; copy the whole of it.").waitFor();
  });
});

describe("the browser's history", () => {
  it("leads back to the tab before, and loses no opened adapter without a question", async () => {
    const page = await browser.open(["cola"].map(minibench));
    const shown = (name: string | RegExp) => page.getByRole("tab", { name, selected: true }).waitFor();
    for (const name of [/^Module/, /^Merge/]) await page.getByRole("tab", { name }).click();
    await page.goBack();
    await shown(/^Module/);
    await page.goBack();
    await shown("Overview");
    await page.goForward();
    await shown(/^Module/);
    const asked: string[] = [];
    page.on("dialog", (dialog) => {
      asked.push(dialog.type());
      void dialog.accept();
    });
    // What the server brings back is not lost.
    await page.reload();
    await page.getByText("cola", { exact: true }).waitFor();
    expect(asked).toEqual([]);
    const file = join(minibench("sst2"), "adapter_model.safetensors");
    await page.locator('input[type="file"]').nth(1).setInputFiles(file);
    await page.locator(".chip", { hasText: "adapter_model" }).click();
    await page.reload();
    expect(asked).toEqual(["beforeunload"]);
  });
});

describe("every chart", () => {
  it("is saved as SVG and as PNG, in the page's colours", async () => {
    const page = await worked();
    await page.getByRole("tab", { name: /^Module/ }).click();
    await page.getByRole("img", { name: /^Energy, k from 1/ }).waitFor();
    const module = await page.getByRole("combobox", { name: /^module/ }).inputValue();
    const menus = page.locator("summary[aria-label$='figures and files']");
    expect(await menus.count()).toBe(7);
    for (const title of ["Units", "Energy", "Cosines"]) {
      const menu = page.locator(`summary[aria-label="${title}: figures and files"]`);
      await menu.click();
      const box = page.locator("details.chart-menu[open]");
      const svg = await saved(page, () => box.getByRole("button", { name: "Save as SVG" }).click());
      const shown = { Units: ", k = 9, PCA", Energy: "", Cosines: ", k = 9" }[title]!;
      const named = `${title}, ${module}${shown}`;
      expect(svg.name).toBe(`${named.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.svg`);
      expect(svg.bytes.toString()).toMatch(/^<svg [^>]*width="\d+"/);
      expect(svg.bytes.toString()).not.toMatch(/class=|style=/);
      // It says what it is, whose marks it has, and what its colours mean.
      const words = [...svg.bytes.toString().matchAll(/<text [^>]*>([^<]+)</g)].map(([, text]) => text);
      expect(words).toContain(named);
      // Each line has its name: those over k, that of k, and that of the recommended one.
      expect(words.filter((text) => /^Energy$|^k = 9$|^recommended: \d+$/.test(text!))).toHaveLength(
        title === "Energy" ? 3 : 0,
      );
      expect(words.includes("cola")).toBe(title === "Units");
      expect(words.some((text) => text!.startsWith("Colours from -1 to 1"))).toBe(title === "Cosines");
      expect(svg.bytes.toString()).toMatch(title === "Cosines" ? /<image href="data:image\/png/ : /fill="rgb\(/);
      // The outlines are the page's own SVG; the marks, which a canvas draws, are put over them.
      if (title === "Units") expect(svg.bytes.toString().match(/<path [^>]*transform="translate/g)).toHaveLength(12);
      const png = await saved(page, () => box.getByRole("button", { name: "Save as PNG" }).click());
      expect(png.bytes.subarray(1, 4).toString()).toBe("PNG");
      expect(png.bytes.length).toBeGreaterThan(2000);
      await menu.click();
    }
    await page.getByRole("tab", { name: "Overview" }).click();
    await page.locator('summary[aria-label="Delta norm layer by layer: figures and files"]').click();
    const table = await saved(page, () => page.getByRole("button", { name: "Save as SVG" }).click());
    expect(table.bytes.toString().match(/<rect/g)!.length).toBeGreaterThan(28);
  });
});

describe("results of lora-lego bench", () => {
  it("are shown beside the figures of the merges of the same method and rank", async () => {
    const page = await worked();
    await page.getByLabel(/^Method/).selectOption("average");
    await page.getByLabel("Rank --rank").fill("9");
    await page.getByText(/^Writes 28 modules of rank 9/).waitFor();
    await page.getByRole("button", { name: "Merge", exact: true }).click();
    await page.getByRole("heading", { name: "1. average, rank 9" }).waitFor();
    const scores = (seen: number) => ({ tasks: {}, seen, unseen: null });
    const merge = (name: string, of: number, seen: number) => ({
      name,
      rank: of,
      plain: scores(seen),
      searched: null,
      against: null,
    });
    const result = {
      base: scores(0.5),
      own: scores(0.99),
      joint: null,
      ensemble: scores(0.6),
      merges: [merge("average", 9, 0.877), merge("average", 6, 0.8), merge("tsv", 9, 0.931)],
    };
    const handed = { name: "results.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(result)) };
    await page.locator('input[type="file"]').nth(1).setInputFiles(handed);
    await page.getByText(/accuracy in your benchmark 87\.7%/).waitFor();
    const heads = await page.getByRole("table").first().getByRole("rowheader").allTextContents();
    expect(heads).toEqual([
      "each adapter on its task",
      "tsv, rank 9",
      "average, rank 9",
      "average, rank 6",
      "base model",
    ]);
  });
});

describe("a static host", () => {
  const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
  const root = new URL("../../dist/web", import.meta.url).pathname;
  let server: Server;
  let hub: MockHub;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = new URL(request.url!, "http://host").pathname.replace("/some/folder/", "/");
      try {
        const bytes = readFileSync(join(root, path === "/" ? "index.html" : path));
        response.writeHead(200, { "content-type": TYPES[extname(path) || ".html"] ?? "application/octet-stream" });
        response.end(bytes);
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    hub = await MockHub.start({
      "alice/math": { files: filesOf(minibench("cola")) },
      "bob/med": { files: filesOf(minibench("sst2")) },
    });
  });
  afterAll(() => {
    server.close();
    hub.stop();
  });

  it("serves the page from any folder, and opens the adapters of the Hub that the link names", async () => {
    const page = await browser.open();
    await answerForTheHub(page, hub);
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/some/folder/#hf=alice/math,bob/med`);
    await expect.poll(() => page.locator(".chip b").allTextContents()).toEqual(["alice/math", "bob/med"]);
    await page.getByText("No adapter is lost.").waitFor();
    await page.getByText("Keep", { exact: true }).click();
    await page.getByRole("button", { name: "Copy a link to this page" }).click();
    expect(await page.getByRole("textbox", { name: /link|Copied/ }).inputValue()).toContain(
      "#hf=alice/math,bob/med&page=",
    );
  });
});
