import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll } from "vitest";
import { type ServedPage, servePage } from "../../src/node/ui/ui-server.ts";
import { CHROMIUM, CHROMIUM_ARGS } from "../support/chromium.ts";

const PAGE = new URL("../../dist/web", import.meta.url).pathname;

/** The most that a browser with a file's pages takes to close, on a machine that does other work too. */
const CLOSING_MS = 60_000;

/** A browser for the tests of a file, and pages of a server of their own in it. */
export function useBrowser(): { open(adapters?: readonly string[], of?: object): Promise<Page> } {
  let browser: Browser;
  const open: ServedPage[] = [];
  beforeAll(async () => {
    if (!existsSync(CHROMIUM)) throw new Error(`There is no ${CHROMIUM}; apt-get install chromium, or set CHROMIUM.`);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_ARGS] });
  });
  afterAll(async () => {
    await browser.close();
    await Promise.all(open.map((served) => served.close()));
  }, CLOSING_MS);
  return {
    async open(adapters = [], of = {}) {
      const served = await servePage({ adapters, page: PAGE });
      const context = await browser.newContext({
        viewport: { width: 1300, height: 900 },
        acceptDownloads: true,
        ...of,
      });
      open.push(served);
      const page = await context.newPage();
      page.on("pageerror", (error) => {
        throw error;
      });
      page.on("console", (message) => {
        if (/Content Security Policy/.test(message.text())) throw new Error(message.text());
      });
      await page.goto(served.url);
      return page;
    },
  };
}
