import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Page } from "playwright";
import { describe, expect, it, onTestFinished } from "vitest";
import { mergeToFolder } from "../../src/node/index.ts";
import { minibench, SEEN } from "../support/minibench.ts";
import { MockHub } from "../support/mock-hub.ts";
import { tempFolder } from "../support/pico.ts";
import { useBrowser } from "./chromium.ts";
import { answerForTheHub, filesOf } from "./hub-in-page.ts";

const folder = tempFolder();
const browser = useBrowser();

async function withExamples(): Promise<Page> {
  const page = await browser.open();
  await page.getByRole("button", { name: "Explore the example" }).click();
  await page.getByRole("tab", { name: "Overview" }).click();
  await page.getByRole("button", { name: /^model\.layers\.3\.mlp\.up_proj: / }).waitFor();
  return page;
}

async function downloaded(page: Page, button: string): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
  const path = join(folder, file.suggestedFilename());
  await file.saveAs(path);
  return path;
}

/** Unpack a zip file that packs nothing tighter. */
function unzip(bytes: Buffer, into: string): void {
  const end = bytes.lastIndexOf("PK\x05\x06");
  let at = bytes.readUInt32LE(end + 16);
  for (let entry = 0; entry < bytes.readUInt16LE(end + 10); entry++) {
    const [method, size] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20)];
    const [name, extra, comment] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const local = bytes.readUInt32LE(at + 42);
    const begin = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    expect(method).toBe(0);
    const path = join(into, bytes.toString("utf8", at + 46, at + 46 + name));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes.subarray(begin, begin + size));
    at += 46 + name + extra + comment;
  }
}

describe("the explorer in Chromium", () => {
  it("goes from the example set to a merge whose files are the command line's, byte by byte", async () => {
    const page = await withExamples();
    await page.getByRole("tab", { name: /Merge/ }).click();
    await page.getByLabel(/^Method/).selectOption("lego");
    await page.getByText("Options of lego").click();
    await page.getByLabel("gauge").selectOption("balanced");
    await page.getByLabel("Rank --rank").fill("8");
    await page.getByText("Writes 28 modules of rank 8 in bf16").waitFor();
    await page.getByRole("button", { name: "Merge", exact: true }).click();
    await page.getByRole("heading", { name: "1. lego, rank 8" }).waitFor();
    const zip = await downloaded(page, "PEFT folder (zip)");
    unzip(readFileSync(zip), join(folder, "unpacked"));
    const out = join(folder, "by-command");
    const recipe = { method: "lego", options: { gauge: "balanced" }, target: { kind: "rank", rank: 8 } } as const;
    await mergeToFolder(SEEN.map(minibench), recipe, { out });
    const unpacked = join(folder, "unpacked/merged-lego-r8-gauge-balanced");
    expect(readdirSync(unpacked).sort()).toEqual(readdirSync(out).sort());
    for (const file of readdirSync(out)) {
      expect(readFileSync(join(unpacked, file)).equals(readFileSync(join(out, file))), file).toBe(true);
    }
    const report: unknown = JSON.parse(readFileSync(await downloaded(page, "report.json"), "utf8"));
    expect(report).toMatchObject({ version: 1, totals: { rank: 8 } });
    expect(readFileSync(await downloaded(page, "report.html"), "utf8")).toContain("<h2>What merged with what</h2>");
    // The page opens what it made, in a dialog that stays for more.
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.locator('input[type="file"]').nth(1).setInputFiles(zip);
    await page.getByText("merged-lego-r8-gauge-balanced is open", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Done" }).click();
    expect(await page.locator(".chip").count()).toBe(1);
  });

  it("merges by the method that auto chooses, unless another is chosen", async () => {
    const page = await withExamples();
    await page.getByRole("tab", { name: /Merge/ }).click();
    // As filled in from the overview, and emptied for the merge's own.
    await page.getByText("Writes 28 modules of rank 12 in bf16").waitFor();
    await expect.poll(() => page.getByLabel("Rank --rank").inputValue()).toBe("12");
    await page.getByLabel("Rank --rank").fill("");
    await expect.poll(() => page.getByLabel("Rank --rank").getAttribute("placeholder")).toBe("default: 12");
    await page.getByRole("button", { name: "Merge", exact: true }).click();
    await page.getByRole("heading", { name: "1. tsv, rank 12" }).waitFor();
    const out = join(folder, "auto-by-command");
    await mergeToFolder(SEEN.map(minibench), {}, { out });
    const weights = readFileSync(await downloaded(page, "adapter_model.safetensors"));
    expect(weights.equals(readFileSync(join(out, "adapter_model.safetensors")))).toBe(true);
  });

  it("clusters anew as k moves, and shows what a unit is", async () => {
    const page = await withExamples();
    await page.getByRole("button", { name: /^model\.layers\.2\.self_attn\.v_proj: / }).click();
    await page.getByRole("heading", { name: "model.layers.2.self_attn.v_proj" }).waitFor();
    const caption = (k: number) => page.getByText(`Clusters at k = ${k}: each becomes one rank of the result`);
    // The rank that is recommended for LEGO.
    await caption(12).waitFor();
    await page.getByLabel("clusters k").focus();
    await page.keyboard.press("ArrowRight");
    await caption(13).waitFor();
    await page.getByRole("listbox", { name: "42 units in the plane" }).press("Enter");
    await page.getByRole("rowheader", { name: "cola 0", exact: true }).waitFor();
    await page.getByRole("button", { name: "Lay out by UMAP" }).click();
    await page.getByText("Units by UMAP").waitFor();
    await page.getByRole("button", { name: "Back to PCA" }).waitFor();
  });

  it("ends a merge that is cancelled, and can merge again", async () => {
    const page = await withExamples();
    await page.getByRole("tab", { name: /Merge/ }).click();
    await page.getByLabel(/^Method/).selectOption("della");
    await page.getByLabel("Rank --rank").fill("42");
    await page.getByText("Writes 28 modules of rank 42").waitFor();
    await page.getByRole("button", { name: "Merge", exact: true }).click();
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await expect.poll(focused).toBe("Cancel");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("The merge was cancelled; nothing was written.").waitFor();
    await expect.poll(focused).toBe("Merge");
    await page.getByLabel(/^Method/).selectOption("average");
    await page.getByRole("button", { name: "Merge", exact: true }).click();
    await page.getByRole("heading", { name: "1. average, rank 42" }).waitFor();
  });

  it("says what it cannot read in the command line's words, and keeps the rest", async () => {
    const page = await browser.open([minibench("cola")]);
    const bad = join(folder, "bad/adapter_model.safetensors");
    mkdirSync(join(folder, "bad"), { recursive: true });
    writeFileSync(bad, "not a tensor file at all");
    await page.locator('input[type="file"]').nth(1).setInputFiles(bad);
    await page
      .getByRole("listitem")
      .getByText(/^adapter_model\/adapter_model\.safetensors is not a/)
      .waitFor();
    await page.getByRole("button", { name: /^model\.layers\.0\.mlp\.up_proj: / }).waitFor();
    await page.getByRole("button", { name: "Remove adapter_model" }).click();
    expect(await page.getByRole("listitem").filter({ hasText: "adapter_model" }).count()).toBe(0);
  });

  it("keeps the dialog open where an address of the Hub is wrong, with the reason beside its field, until it opens", async () => {
    const hub = await MockHub.start({ "alice/math": { files: filesOf(minibench("cola")) } });
    onTestFinished(() => hub.stop());
    const page = await browser.open([minibench("sst2")]);
    await answerForTheHub(page, hub);
    await page.getByRole("button", { name: "Open", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Open adapters" });
    const field = dialog.getByLabel("Adapter", { exact: true });
    for (const [typed, reason] of [
      ["my adapter", /^hf:\/\/my adapter is not a Hub path; write hf:\/\/owner\/name/],
      ["alice/none", /^alice\/none: there is no such public model .*, or give a token if it is private\.$/],
    ] as const) {
      await field.fill(typed);
      await field.press("Enter");
      const said = dialog.getByRole("alert");
      await said.getByText(reason).waitFor();
      expect(await field.getAttribute("aria-describedby")).toBe(await said.getAttribute("id"));
      expect(await field.evaluate((node) => node === document.activeElement)).toBe(true);
      // It is nowhere else.
      expect(await page.getByText(reason).count()).toBe(1);
      expect(await page.locator(".chip b").allTextContents()).toEqual(["sst2"]);
    }
    await field.fill("alice/math");
    expect(await dialog.getByRole("alert").count()).toBe(0);
    await field.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    expect(await page.locator(".chip b").allTextContents()).toEqual(["sst2", "alice/math"]);
  });

  it("refuses what the command line refuses before anything is merged", async () => {
    const page = await browser.open([minibench("cola"), join(minibench("cola"), "../../../gpt2/all/cola")]);
    await page.getByRole("tab", { name: /Merge/ }).click();
    const refused = page.getByText(
      /share no module and are for different base models .*; merge adapters of one base model\.$/,
    );
    await refused.waitFor();
    const merge = page.getByRole("button", { name: "Merge", exact: true });
    expect(await merge.isDisabled()).toBe(true);
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel(/--allow-partial/).click();
    await page
      .getByText(
        /so no model could load both, “accept adapters that share no module[^”]*” or not; load each with its own base/,
      )
      .waitFor();
    expect(await merge.isDisabled()).toBe(true);
  });

  it("opens the adapters that it was started with, again after a reload, in the order and with the names of the list", async () => {
    const page = await browser.open([minibench("cola"), minibench("sst2")]);
    const names = () => page.locator(".chip b").allTextContents();
    await expect.poll(names).toEqual(["cola", "sst2"]);
    await page.locator(".chip", { hasText: "sst2" }).click();
    await page.getByRole("button", { name: "Move sst2 left" }).click();
    await expect.poll(names).toEqual(["sst2", "cola"]);
    await page.reload();
    await expect.poll(names).toEqual(["cola", "sst2"]);
  });
});
