import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

it("the table of README.md is what tools/evidence/readme-table.mjs makes of the measured results", async () => {
  const { measuredReadme } = (await import(at("tools/evidence/readme-table.mjs"))) as { measuredReadme(): string };
  expect(readFileSync(at("README.md"), "utf8")).toBe(measuredReadme());
});
