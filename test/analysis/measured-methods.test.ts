import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MEASURED_METHODS } from "../../src/analysis/measured-methods.ts";
import { MEASURED_RANKS } from "../../src/analysis/measured-ranks.ts";
import { METHODS } from "../../src/methods/registry.ts";

const root = new URL("../../", import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), "utf8");

describe("what methods scored", () => {
  it("is what the script makes of docs/evidence.json", async () => {
    const { measuredMethods, measuredRanks } = await import(new URL("tools/evidence/measured-methods.mjs", root).href);
    const evidence = JSON.parse(textOf("docs/evidence.json"));
    expect(textOf("src/analysis/measured-methods.ts")).toBe(measuredMethods(evidence));
    expect(textOf("src/analysis/measured-ranks.ts")).toBe(measuredRanks(evidence));
  });

  it("is told of methods that there are, and stands in docs/evidence.md too", () => {
    const ids = METHODS.map(({ id }) => id);
    expect(Object.keys(MEASURED_METHODS).filter((id) => !ids.includes(id))).toEqual([]);
    const page = textOf("docs/evidence.md");
    expect(page).toContain("| tsv | 93.9 ± 0.3 |");
    expect(page).toContain("| tsv | 93.9 / **95.1** / 94.6 |");
    expect(MEASURED_METHODS.tsv).toEqual({ asMerged: 93.9, withFactor: 95.1, auto: true });
  });

  it("is the same in both tables at rank 6", () => {
    for (const [method, { asMerged, withFactor, auto }] of Object.entries(MEASURED_METHODS)) {
      expect(MEASURED_RANKS.asMerged[method]![6], method).toBe(asMerged);
      expect(MEASURED_RANKS.computed[method]?.[6], method).toBe(auto ? withFactor : undefined);
    }
  });
});
