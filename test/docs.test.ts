import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../", import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
const pagesIn = (folder: string): string[] =>
  readdirSync(new URL(folder, ROOT))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}${name}`);
const PAGES = ["README.md", ...pagesIn("docs/"), ...pagesIn("docs/formats/")];
/** Every document of the repository below a folder. */
function pagesBelow(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : pagesBelow(`${folder}${entry.name}/`);
    return entry.name.endsWith(".md") ? [`${folder}${entry.name}`] : [];
  });
}
const ALL_PAGES = [
  ...pagesIn("./").map((path) => path.slice(2)),
  ...["bench/", "docs/", "examples/", "kernels/", "test/", "tools/"].flatMap(pagesBelow),
];
/** Texts that become the front of a page in another folder: their links start there. */
const DECODER = "tools/evidence/real-decoder.md";
const FOLDER_OF_LINKS: Readonly<Record<string, string>> = {
  "tools/evidence/words.md": "docs/evidence.md",
  "tools/evidence/real-words.md": "docs/evidence-real.md",
  [DECODER]: "docs/evidence-real.md",
  "tools/minibench/large.md": "docs/evidence-large.md",
};
const MAX_LINE = 120;
const {
  anchorOf,
  glossaryPage,
}: { anchorOf(heading: string): string; glossaryPage(text: string, style: string): string } = await import(
  new URL("tools/markdown.mjs", ROOT).href
);

const withoutCode = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```$/gm, "");

/** What stands more than once. */
function twice(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text, i) => texts.indexOf(text) !== i))];
}

/** The first cells of the rows of each table of a page, but for empty ones. */
function firstColumns(markdown: string): string[][] {
  const tables = withoutCode(markdown).match(/(?:^\|.*(?:\n|$))+/gm) ?? [];
  return tables.map((table) => {
    const rows = table.trim().split("\n");
    const body = /^[|\s:-]+$/.test(rows[1] ?? "") ? rows.slice(2) : rows;
    // A bar behind a backslash is part of its cell.
    return body.map((row) => (/^\|((?:\\.|[^|\\])*)/.exec(row)?.[1] ?? "").trim()).filter((cell) => cell !== "");
  });
}

/** Lines of prose that are too long. Tables, code, images and lines without a place to break are not counted. */
function longLines(markdown: string): string[] {
  return withoutCode(markdown)
    .split("\n")
    .filter(
      (line) => line.length > MAX_LINE && !/^(\||!\[| {4}\S)/.test(line) && /\S\s+\S/.test(line.slice(0, MAX_LINE)),
    );
}

/** Links of a document to files or headings that do not exist. */
function brokenLinks(path: string, markdown = textOf(path)): string[] {
  const home = FOLDER_OF_LINKS[path] ?? path;
  const text = withoutCode(markdown).replace(/`[^`]*`/g, "");
  const targets = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target!);
  return targets.filter((target) => {
    if (/^(https?|mailto):/.test(target)) return false;
    const [file, anchor] = target.split("#") as [string, string?];
    const url = file === "" ? new URL(home, ROOT) : new URL(file, new URL(home, ROOT));
    if (!existsSync(url)) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(url, "utf8")).has(anchor);
  });
}

function anchorsOf(markdown: string): Set<string> {
  return new Set(Array.from(withoutCode(markdown).matchAll(/^#+ (.+)$/gm), ([, heading]) => anchorOf(heading!)));
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

  it("finds lines that are too long, and headings that links lead to", () => {
    const long = "word ".repeat(25);
    const page = `# A title: it's \`code\`\n\n${long}\n- ${long}\n| ${long} |\n\n\`\`\`\n# ${long}\n\`\`\`\n`;
    expect(longLines(page)).toEqual([long, `- ${long}`]);
    expect([...anchorsOf(page)]).toEqual(["a-title-its-code"]);
    const links = "[a](report.md#warnings) [b](nowhere.md) [c](#cache) [d](https://example.com) `[e](nowhere.md)`";
    expect(brokenLinks("docs/hub.md", links)).toEqual(["nowhere.md", "#cache"]);
  });

  it.each(ALL_PAGES)(`have no line of prose longer than ${MAX_LINE} characters: %s`, (path) => {
    expect(longLines(textOf(path))).toEqual([]);
  });

  it.each(ALL_PAGES)("have no link that leads nowhere: %s", (path) => {
    expect(brokenLinks(path)).toEqual([]);
  });

  it.each(Object.entries(FOLDER_OF_LINKS).filter(([front]) => front !== DECODER))(
    "have %s in %s, its opening at the front",
    (front, path) => {
      const [opening, ...sections] = textOf(front).trim().split("\n\n## ");
      const page = textOf(path);
      expect(page.startsWith(`${opening}\n\n## `)).toBe(true);
      // The language model's section may stand between the opening and the rest.
      expect(page).toContain(sections.join("\n\n## "));
    },
  );

  it("become a page that leads only to itself: the glossary", () => {
    const page = glossaryPage(textOf("docs/glossary.md"), "./style.css");
    const ids = Array.from(page.matchAll(/ id="([^"]+)"/g), ([, id]) => `#${id}`);
    const links = Array.from(page.matchAll(/<a href="([^"]+)"/g), ([, href]) => href!);
    expect(ids).toContain("#norm-ratio");
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((href) => !ids.includes(href))).toEqual([]);
    expect(page).toContain("<code>lego</code> clusters units");
  });

  it("say no change twice, nor in two versions of a line", () => {
    const lines = textOf("CHANGELOG.md")
      .split("\n")
      .filter((line) => line.startsWith("- "));
    expect(lines.length).toBeGreaterThan(10);
    expect(twice(lines.map((line) => line.slice(0, 30)))).toEqual([]);
  });
});
