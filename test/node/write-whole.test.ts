import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeWhole } from "../../src/node/output/write-whole.ts";
import { tempFolder } from "../support/pico.ts";

it("a file of several pieces is written piece by piece", () => {
  const path = join(tempFolder(), "pieces.txt");
  const there: string[] = [];
  writeWhole(
    path,
    (function* () {
      for (const piece of ["one, ", "two, ", "three"]) {
        yield piece;
        there.push(readFileSync(path, "utf8"));
      }
    })(),
  );
  expect(there).toEqual(["one, ", "one, two, ", "one, two, three"]);
  writeWhole(path, "whole");
  expect(readFileSync(path, "utf8")).toBe("whole");
});
