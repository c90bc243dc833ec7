import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { METHODS } from "../src/methods/registry.ts";

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const drawn = (async () => {
  const { methodFigures } = (await import(at("tools/method-figures.mjs"))) as {
    methodFigures(): Promise<Record<string, string>>;
  };
  return methodFigures();
})();

it.each(METHODS.map(({ id }) => id))("the page of %s shows what tools/method-figures.mjs draws", async (id) => {
  expect(readFileSync(at(`docs/methods/${id}.md`), "utf8")).toContain(`](figures/${id}.svg)`);
  expect(readFileSync(at(`docs/methods/figures/${id}.svg`), "utf8")).toBe((await drawn)[id]);
});
