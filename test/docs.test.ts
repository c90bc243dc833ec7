import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../", import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
const pagesIn = (folder: string): string[] =>
  readdirSync(new URL(folder, ROOT))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}${name}`);
const PAGES = ["README.md", ...pagesIn("docs/"), ...pagesIn("docs/formats/")];

/** What stands more than once. */
function twice(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text, i) => texts.indexOf(text) !== i))];
}

/** The first cells of the rows of each table of a page, but for empty ones. */
function firstColumns(markdown: string): string[][] {
  const outside = markdown.replace(/^```[\s\S]*?^```/gm, "");
  const tables = outside.match(/(?:^\|.*(?:\n|$))+/gm) ?? [];
  return tables.map((table) => {
    const rows = table.trim().split("\n");
    const body = /^[|\s:-]+$/.test(rows[1] ?? "") ? rows.slice(2) : rows;
    // A bar behind a backslash is part of its cell.
    return body.map((row) => (/^\|((?:\\.|[^|\\])*)/.exec(row)?.[1] ?? "").trim()).filter((cell) => cell !== "");
  });
}

describe("the documents", () => {
  it("finds rows that stand twice", () => {
    const page =
      "| a | b |\n|---|---|\n| x | 1 |\n| y | 2 |\n| x | 3 |\n\n```\n| q |\n| q |\n```\n| p\\|1 |\n|---|\n| p\\|2 |";
    expect(firstColumns(page)).toEqual([["x", "y", "x"], ["p\\|2"]]);
    expect(twice(["x", "y", "x", "x"])).toEqual(["x"]);
  });

  it.each(PAGES)("have no two rows of a table about the same: %s", (path) => {
    expect(firstColumns(textOf(path)).flatMap(twice)).toEqual([]);
  });

  it("say no change twice, nor in two versions of a line", () => {
    const lines = textOf("CHANGELOG.md")
      .split("\n")
      .filter((line) => line.startsWith("- "));
    expect(lines.length).toBeGreaterThan(10);
    expect(twice(lines.map((line) => line.slice(0, 30)))).toEqual([]);
  });
});
