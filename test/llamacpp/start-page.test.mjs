/** docs/start.md shows what its commands print, those that run models too. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { startPage, withoutTimes } from "../../tools/start-page.mjs";

test("docs/start.md shows what its commands print, also those with llama.cpp", () => {
  const page = readFileSync(new URL("../../docs/start.md", import.meta.url), "utf8");
  assert.equal(withoutTimes(startPage(page, true)), withoutTimes(page));
});
