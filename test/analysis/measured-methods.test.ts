import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MEASURED_METHODS } from "../../src/analysis/measured-methods.ts";
import { METHODS } from "../../src/methods/registry.ts";

const root = new URL("../../", import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), "utf8");

describe("what methods scored", () => {
  it("is what the script makes of docs/evidence.json", async () => {
    const { measuredMethods } = await import(new URL("tools/evidence/measured-methods.mjs", root).href);
    expect(textOf("src/analysis/measured-methods.ts")).toBe(measuredMethods(JSON.parse(textOf("docs/evidence.json"))));
  });

  it("is told of methods that there are, and stands in docs/evidence.md too", () => {
    const ids = METHODS.map(({ id }) => id);
    expect(Object.keys(MEASURED_METHODS).filter((id) => !ids.includes(id))).toEqual([]);
    const page = textOf("docs/evidence.md");
    expect(page).toContain("| tsv | 93.9 ± 0.3 |");
    expect(page).toContain("| tsv | 93.9 / **95.1** / 94.6 |");
    expect(MEASURED_METHODS.tsv).toEqual({ asMerged: 93.9, withFactor: 95.1, auto: true });
  });
});
