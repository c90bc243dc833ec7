import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright";
import { type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM, CHROMIUM_ARGS } from "../support/chromium.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const PAGES = ["index", "docs/methods/index", "docs/evidence", "docs/glossary", "api/index"];

let server: PreviewServer;
let browser: Browser;

beforeAll(async () => {
  if (!existsSync(join(root, "build/site/index.html"))) throw new Error("There is no build/site; run npm run docs.");
  server = await preview({ root, configFile: false, build: { outDir: "build/site" }, preview: { port: 4319 } });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_ARGS] });
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

async function open(path: string, of: object = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...of });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(`${server.resolvedUrls!.local[0]}${path}.html`);
  await page.locator("main h1").waitFor();
  return { page, errors, close: () => context.close() };
}

describe("the site", () => {
  it.each(
    PAGES.flatMap((path) => [
      { path, colorScheme: "light", width: 1280 },
      { path, colorScheme: "dark", width: 390 },
    ]),
  )(
    "$path has nothing that axe-core finds fault with, $colorScheme, $width wide",
    async ({ path, colorScheme, width }) => {
      const { page, errors, close } = await open(path, { colorScheme, viewport: { width, height: 800 } });
      await page.addScriptTag({ content: axe });
      const { violations } = (await page.evaluate("axe.run('main')")) as {
        violations: { id: string; nodes: { html: string }[] }[];
      };
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
      expect(errors).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      await close();
    },
  );

  it("sorts a table by a column, the other way round when asked again", async () => {
    const { page, close } = await open("docs/methods/index");
    const table = page.locator("table", { hasText: "Llama, computed factor" });
    const column = async (): Promise<number[]> => {
      const cells = await table.locator("tbody tr td:nth-child(6)").allTextContents();
      return cells.filter((cell) => cell !== "-").map(Number);
    };
    const head = table.getByRole("button", { name: "Llama, computed factor" });
    await head.click();
    const falling = await column();
    expect(falling).toEqual(falling.toSorted((one, other) => other - one));
    expect(await table.locator("tbody tr td:nth-child(6)").last().textContent()).toBe("-");
    await head.click();
    expect(await column()).toEqual(falling.toReversed());
    await close();
  });

  it("has the explorer, which opens its example set without a server of its own", async () => {
    const { page, close } = await open("docs/explorer");
    await page.goto(`${server.resolvedUrls!.local[0]}explorer/index.html`);
    await page.getByRole("button", { name: "Explore the example" }).click();
    await page.getByRole("tab", { name: "Overview" }).click();
    await page.getByRole("button", { name: /^model\.layers\.3\.mlp\.up_proj: / }).waitFor();
    await close();
  });
});
