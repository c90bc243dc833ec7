import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { VERSION } from "../src/core/version.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const scripts = readdirSync(join(root, "examples")).filter((file) => file.endsWith(".mjs"));

describe("examples", () => {
  it.each(scripts)("%s runs", (script) => {
    const folder = mkdtempSync(join(tmpdir(), "lora-lego-example-"));
    try {
      const printed = execFileSync(process.execPath, [join(root, "examples", script), join(folder, "out")], {
        encoding: "utf8",
      });
      expect(printed).toMatch(/rank/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("what is written down twice", () => {
  it("is the version of package.json", () => {
    expect(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version).toBe(VERSION);
  });

  it("is the report's schema in docs", async () => {
    const { reportSchema } = await import(join(root, "tools/report-schema.mjs"));
    expect(JSON.parse(readFileSync(join(root, "docs/report.schema.json"), "utf8"))).toEqual(reportSchema());
  });
});
