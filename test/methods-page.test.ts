import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

it("docs/methods/README.md is what tools/methods-page.mjs makes of the methods and the evidence", async () => {
  const { methodsPage } = (await import(at("tools/methods-page.mjs"))) as { methodsPage(): string };
  expect(readFileSync(at("docs/methods/README.md"), "utf8")).toBe(methodsPage());
});
