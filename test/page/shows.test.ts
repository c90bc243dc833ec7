import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright";
import { describe, expect, it } from "vitest";
import { auditAdapters, mergeToFolder } from "../../src/node/index.ts";
// @ts-expect-error a tool without types
import { writeImageAdapter } from "../../tools/start/image-adapter.mjs";
import { minibench } from "../support/minibench.ts";
import { tempFolder } from "../support/pico.ts";
import { useBrowser } from "./chromium.ts";

const browser = useBrowser();
const SEVERAL = ["cola", "sst2", "mrpc"];
const CELL = "model.layers.3.mlp.up_proj";

/** A page with adapters open and the overview drawn. */
async function opened(names: readonly string[] = SEVERAL): Promise<Page> {
  const page = await browser.open(names.map(minibench));
  await page.getByRole("button", { name: new RegExp(`^${CELL}: `) }).waitFor();
  return page;
}

/** The figure of a module in the overview. */
async function figureOf(page: Page, module = CELL): Promise<number> {
  const cell = page.getByRole("button", { name: new RegExp(`^${module}: -?[\\d.e-]+$`) });
  return Number(await cell.textContent());
}

const namesIn = (page: Page): Promise<string[]> => page.locator(".chip b").allTextContents();

describe("the overview", () => {
  it("has every figure of one or two adapters where they are chosen, else the mean, and shades by it", async () => {
    const page = await opened();
    const one: number[] = [];
    for (const name of SEVERAL) {
      await page.getByRole("combobox", { name: "Adapter", exact: true }).selectOption(name);
      one.push(await figureOf(page));
    }
    await page.getByRole("combobox", { name: "Adapter", exact: true }).selectOption("all, mean");
    expect(await figureOf(page)).toBeCloseTo(one.reduce((sum, value) => sum + value, 0) / one.length, 1);
    const within: Record<string, [number, number]> = {
      "Effective rank": [1, 6],
      Similarity: [-1, 1],
      "Sign conflict": [0, 1],
      "Cluster purity": [0, 1],
    };
    for (const [figure, [least, most]] of Object.entries(within)) {
      await page.getByRole("combobox", { name: "Figure" }).selectOption(figure);
      await page.getByRole("heading", { name: `${figure}, layer by layer` }).waitFor();
      const value = await figureOf(page);
      expect(value, figure).toBeGreaterThanOrEqual(least);
      expect(value, figure).toBeLessThanOrEqual(most);
    }
    await page.getByRole("combobox", { name: "Figure" }).selectOption("Similarity");
    const mean = await figureOf(page);
    await page.getByRole("combobox", { name: "Adapter", exact: true }).selectOption("cola");
    await page.getByRole("combobox", { name: "with", exact: true }).selectOption("sst2");
    expect(await figureOf(page)).not.toBe(mean);
    // The scale of a cosine goes from -1 to 1, whatever is shown.
    const shares = await page
      .locator("button.cell")
      .evaluateAll((cells) =>
        cells.map((cell) => [
          Math.abs(Number(cell.textContent)),
          Number((cell as HTMLElement).style.getPropertyValue("--share")),
        ]),
      );
    for (const [value, share] of shares) expect(share).toBeCloseTo(value!, 1);
    expect(
      await page
        .locator("figure", { has: page.locator("button.cell") })
        .locator(".scale")
        .textContent(),
    ).toMatch(/^-1\s+1/);
  });

  it("begins with how alike the adapters are, who is lost, and what to do, which a button does", async () => {
    const page = await opened();
    await page.getByText("No adapter is lost.").waitFor();
    const alike = page
      .getByRole("table")
      .filter({ has: page.getByRole("columnheader", { name: "sst2" }) })
      .first();
    const cells = await alike.locator("span.cell").allTextContents();
    expect(cells).toHaveLength(6);
    const audit = await auditAdapters(SEVERAL.map(minibench));
    expect(cells[0]).toBe(audit.similarity[0]![1]!.toFixed(2));
    await page.getByRole("img", { name: /^Parts of the sum: cola \d+%, sst2 \d+%, mrpc \d+%$/ }).waitFor();
    await page.getByText(`Recommended: ${audit.recommendation!.method}, rank ${audit.recommendation!.rank}`).waitFor();
    await page.getByRole("button", { name: "Set up LoRA-LEGO at rank 12" }).click();
    await page.getByText("Writes 28 modules of rank 12").waitFor();
  });

  it("recommends the rank that leaves room for each adapter, where there are more adapters than ranks", async () => {
    const page = await opened([...SEVERAL, "mnli", "qnli", "qqp", "rte"]);
    await page.getByText(/^Recommended: tsv, rank 12\. .*leaves some of 7 adapters without a direction/).waitFor();
    await page.getByRole("button", { name: "Set up this merge" }).click();
    await page.getByText("Writes 28 modules of rank 12").waitFor();
    expect(await page.getByLabel(/^Method/).inputValue()).toBe("auto");
  });

  it("takes no more room for one adapter than what it says of it", async () => {
    const page = await opened(["cola"]);
    const tile = page.getByRole("region", { name: "Recommendation" });
    await tile.getByText("Open a second adapter").waitFor();
    const below = (await page.getByText("Loading them as they are").boundingBox())!;
    const { y, height } = (await tile.boundingBox())!;
    expect(y + height - (below.y + below.height)).toBeLessThan(30);
  });

  it("says who is lost beside its name, and balances the set where that is recommended", async () => {
    const folder = tempFolder();
    const scaled = async (name: string, scale: number): Promise<string> => {
      const out = join(folder, name);
      await mergeToFolder([minibench(name)], { method: "cat", scale }, { out });
      return out;
    };
    const page = await browser.open([minibench("cola"), minibench("sst2"), await scaled("mrpc", 0.01)]);
    await page.getByText("Practically lost: mrpc.").waitFor();
    expect(await page.locator(".chip", { hasText: "lost" }).locator("b").allTextContents()).toEqual(["mrpc"]);
    const weight = async () => Number(await page.getByRole("slider", { name: "mrpc" }).inputValue());
    const [first, ...others] = await page.locator(".findings button").all();
    expect(await first!.textContent()).toBe("Set up without mrpc");
    await first!.click();
    await page.getByText(/^Writes 28 modules/).waitFor();
    expect(await weight()).toBe(0);
    await page.getByRole("tab", { name: "Overview" }).click();
    await page.getByRole("button", { name: /^Set up with weight \d+ for mrpc$/ }).click();
    await page.getByText(/^Writes 28 modules/).waitFor();
    expect(await weight()).toBeGreaterThan(20);
    expect(others).toHaveLength(2);
  });

  it("groups the modules of an image model by block", async () => {
    const folder = tempFolder();
    const paths = ["style", "face"].map((name, seed) => {
      const path = join(folder, `${name}.safetensors`);
      writeImageAdapter(path, seed);
      return path;
    });
    const page = await browser.open(paths);
    const row = page
      .getByRole("row")
      .filter({ has: page.locator("button.cell") })
      .first();
    const [head, cell] = [row.getByRole("rowheader"), row.locator("button.cell").first()];
    expect(await head.textContent()).toMatch(/^(IN|MID|OUT|te)\d*/);
    expect(await cell.getAttribute("aria-label")).toMatch(/: [\d.]+/);
  });

  it("warns as soon as adapters of two base models are open", async () => {
    const page = await browser.open([minibench("cola"), join(minibench("cola"), "../../../gpt2/all/cola")]);
    await page.getByText("These adapters name different base models").waitFor();
    // What to do is said once, by what says where they differ.
    await page.getByText(/; merge adapters of one base model\.$/).waitFor();
    await expect.poll(() => page.getByText(/merge (?:only )?adapters of one base/i).count()).toBe(1);
    await page.locator(".chip", { hasText: "cola" }).first().click();
    await page.getByRole("button", { name: "Remove cola", exact: true }).click();
    await expect.poll(() => page.getByText("These adapters name different base models").count()).toBe(0);
  });
});

describe("the overview's menus", () => {
  it("stand at the right end, however long the names in them are", async () => {
    const page = await opened();
    const ends = () =>
      page.evaluate(() => {
        const menus = [...document.querySelectorAll("section[aria-labelledby='overview-title'] select")];
        return innerWidth - menus.at(-1)!.getBoundingClientRect().right;
      });
    const before = await ends();
    await page.locator(".chip", { hasText: "cola" }).click();
    const name = page.getByLabel("Name of cola");
    await name.fill("a-name-of-an-adapter-that-is-longer-than-any-menu-can-be-and-still-goes-on");
    await name.press("Enter");
    // Drawn anew, a menu is as wide as its longest name may be.
    await page.getByRole("tab", { name: "Merge" }).click();
    await page.getByRole("tab", { name: "Overview" }).click();
    await page.getByRole("combobox", { name: "Adapter", exact: true }).waitFor();
    expect(await ends()).toBe(before);
  });
});

describe("the module", () => {
  it("draws units, hulls, curves, cosines, singular values and clusters, which follow k", async () => {
    const page = await opened();
    await page.getByRole("button", { name: new RegExp(`^${CELL}: `) }).click();
    await page.getByText(/^Clusters at k = /).waitFor();
    await page.getByText(/^Units by PCA: \d+% of the variance/).waitFor();
    // Each adapter has a colour and a shape of its own, the same in the plane and in the legend.
    const legend = await page
      .locator(".chip .mark path")
      .evaluateAll((marks) => marks.map((mark) => [mark.getAttribute("fill"), mark.getAttribute("d")].join()));
    await page.locator('summary[aria-label="Units: figures and files"]').click();
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save as SVG" }).click(),
    ]);
    await page.locator('summary[aria-label="Units: figures and files"]').click();
    const saved = readFileSync(await file.path(), "utf8");
    const marks = Array.from(saved.matchAll(/<path d="([^"]+)" fill="(#[^"]+)"/g), ([, d, fill]) => [fill, d].join());
    expect(marks).toHaveLength(18);
    expect([...new Set(marks)].sort()).toEqual([...legend].sort());
    for (const part of [0, 1]) expect(new Set(legend.map((mark) => mark.split(",")[part])).size).toBe(3);
    for (const curve of ["Inertia", "Purity", "Norm ratio", "Energy"])
      await page.getByRole("img", { name: new RegExp(`^${curve}, k from 1 to 18`) }).waitFor();
    const present = () => page.locator("line.now").first().getAttribute("x1");
    const state = async () => ({
      now: await present(),
      hulls: await page.locator("g.hull").count(),
      clusters: await page.locator("table.clusters tbody tr").count(),
      cosines: await page
        .getByRole("img", { name: /^Mean cosine of two units in the same cluster/ })
        .getAttribute("aria-label"),
      merged: await page.locator("polyline", { hasText: "merged" }).getAttribute("points"),
    });
    const before = await state();
    await page.getByLabel("clusters k").fill("3");
    await page.getByText("Clusters at k = 3: each becomes one rank of the result").waitFor();
    const after = await state();
    expect(after).toMatchObject({ hulls: 3, clusters: 3 });
    for (const part of ["now", "cosines", "merged"] as const) expect(after[part], part).not.toBe(before[part]);
    const dashed = page.getByRole("img", { name: /^Singular values/ }).locator("polyline[stroke-dasharray]");
    expect(await dashed.count()).toBe(3);
    expect(await page.getByLabel("metric").locator("option").allTextContents()).not.toContain("manhattan");
    // A cluster's number marks its units.
    const row = page.locator("table.clusters tbody tr").first();
    const members = Number(await row.locator("td").first().textContent());
    await row.getByRole("button").click();
    await expect.poll(() => page.locator(".details tbody tr").count()).toBe(members);
  });

  it("weighs all adapters alike, whatever they weigh in a merge", async () => {
    const page = await opened();
    await page.getByRole("button", { name: new RegExp(`^${CELL}: `) }).click();
    await page.getByText(/^Clusters at k = /).waitFor();
    const energy = () => page.locator("dl.figures").textContent();
    const before = await energy();
    await page.locator(".chip", { hasText: "cola" }).click();
    await page.getByLabel("Weight of cola").fill("5");
    await page.getByLabel("Weight of cola").press("Enter");
    await page.getByText("All adapters count equally here; their weights apply when they are merged.").waitFor();
    expect(await energy()).toBe(before);
  });
});

describe("a card", () => {
  it("says what an adapter is, and lets it be renamed, weighted, moved and removed", async () => {
    const page = await opened(["cola", "sst2"]);
    const card = page.getByRole("listitem").filter({ has: page.getByText("cola", { exact: true }) });
    await card.getByText("rank 6 · norm ").waitFor();
    await card.click();
    await card.getByText(/^PEFT · rank 6 · scale [\d.]+ · 28 modules · \w+ · [\d.]+ [kM]B$/i).waitFor();
    await card.getByText(/^base /).waitFor();
    await page.getByLabel("Name of cola").fill("judge");
    await page.getByLabel("Name of cola").press("Enter");
    await page.getByLabel("Weight of judge").fill("2.5");
    await page.getByLabel("Weight of judge").press("Enter");
    await page.getByRole("button", { name: "Move judge right" }).click();
    await expect.poll(() => namesIn(page)).toEqual(["sst2", "judge"]);
    expect(await page.getByLabel("Weight of judge").inputValue()).toBe("2.5");
    await page.locator(".chip", { hasText: "sst2" }).click();
    await page.getByRole("button", { name: "Remove sst2" }).click();
    await expect.poll(() => namesIn(page)).toEqual(["judge"]);
  });

  it("comes of each adapter in a folder of folders that is dropped on the page", async () => {
    const page = await browser.open();
    const session = await page.context().newCDPSession(page);
    const data = { items: [], files: [minibench("cola").replace(/\/[^/]+\/?$/, "")], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"] as const)
      await session.send("Input.dispatchDragEvent", { type, x: 900, y: 600, data });
    await expect.poll(() => namesIn(page), { timeout: 20_000 }).toEqual(expect.arrayContaining(SEVERAL));
  });
});

describe("results", () => {
  it("are kept side by side, the last six of them", async () => {
    const page = await opened(["cola", "sst2"]);
    await page.getByRole("tab", { name: /Merge/ }).click();
    await page.getByLabel(/^Method/).selectOption("average");
    const merge = page.getByRole("button", { name: "Merge", exact: true });
    for (let number = 1; number <= 7; number++) {
      await page.getByLabel("Rank --rank").fill(String(number));
      await page.getByText(`Writes 28 modules of rank ${number} `).waitFor();
      await merge.click();
      await page.getByRole("heading", { name: new RegExp(`^${number}\\. average`) }).waitFor();
    }
    const beside = page.getByRole("region", { name: "Results side by side" });
    const names = await beside.getByRole("button").allTextContents();
    expect(names.map((name) => name.split(".")[0])).toEqual(["7", "6", "5", "4", "3", "2"]);
    await beside.getByRole("button", { name: /^3\./ }).click();
    await page.getByRole("heading", { name: /^3\. average/ }).waitFor();
  });
});
