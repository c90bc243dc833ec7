import { expect, it } from "vitest";
import { readSources } from "./support/imports.ts";

const MOCK = `vi.${"mock"}(`;

it("tests that replace a module are named .mocked.test.ts, and no others: their processes are their own", () => {
  const tests = [...readSources("test")].filter(([path]) => path.endsWith(".test.ts"));
  const replacing = tests.flatMap(([path, source]) => (source.includes(MOCK) ? path : []));
  const named = tests.flatMap(([path]) => (path.endsWith(".mocked.test.ts") ? path : []));
  expect(replacing).toEqual(named);
  expect(named).not.toEqual([]);
});
