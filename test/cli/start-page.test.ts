import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/start.md", root), "utf8");
const {
  startPage,
  withoutTimes,
}: { startPage(page: string, llama: boolean): string; withoutTimes(page: string): string } = await import(
  new URL("tools/start-page.mjs", root).href
);

describe("docs/start.md", () => {
  it("shows what its commands print, run in order (those with llama.cpp by npm run test:llama)", {
    timeout: 600_000,
  }, () => {
    expect(withoutTimes(startPage(page, false))).toBe(withoutTimes(page));
  });

  it("has no command that is not run", () => {
    const blocks = page.match(/^```.*$/gm)!.filter((fence) => fence !== "```");
    expect(new Set(blocks)).toEqual(new Set(["```console"]));
    expect(page.match(/^\$ lora-lego /gm)!.length).toBeGreaterThan(10);
  });

  it("leaves nothing of times but their places", () => {
    expect(withoutTimes("tsv  6  5.2   0.17  93.9 / 95.1")).toBe("tsv  6  5.2   -  93.9 / 95.1");
  });
});
