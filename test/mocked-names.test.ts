import { expect, it } from "vitest";
import { readSources } from "./support/imports.ts";

const MOCK = `vi.${"mock"}(`;

it("tests that replace a module are named .mocked.test.ts, and no others, where files share processes", () => {
  const tests = [...readSources("test")].filter(
    ([path]) => path.endsWith(".test.ts") && !path.startsWith("test/state/"),
  );
  const replacing = tests.flatMap(([path, source]) => (source.includes(MOCK) ? path : []));
  const named = tests.flatMap(([path]) => (path.endsWith(".mocked.test.ts") ? path : []));
  expect(replacing).toEqual(named);
  expect(named).not.toEqual([]);
});
