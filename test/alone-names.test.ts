import { expect, it } from "vitest";
import { readSources } from "./support/imports.ts";

/** What changes modules for all tests of a process. */
const CHANGES = /\bvi\.mock\(|^import [^;]*\bregisterMethod\b[^;]* from "\.\./m;

it("tests that change what modules hold are named .alone.test.ts, and no others, where files share processes", () => {
  const shared = [...readSources("test")].filter(
    ([path]) => path.endsWith(".test.ts") && !path.startsWith("test/state/"),
  );
  const changing = shared.flatMap(([path, source]) => (CHANGES.test(source) ? path : []));
  expect(changing).not.toEqual([]);
  expect(shared.flatMap(([path]) => (path.endsWith(".alone.test.ts") ? path : []))).toEqual(changing);
});
