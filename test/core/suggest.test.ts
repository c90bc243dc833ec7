import { describe, expect, it } from "vitest";
import { nearest } from "../../src/core/suggest.ts";

describe("nearest", () => {
  const WORDS = ["adapters", "rank", "rankLayout", "weights", "keep", "out"];

  it.each([
    ["adaptres", "adapters"],
    ["adapter", "adapters"],
    ["Adapters", "adapters"],
    ["ranklayout", "rankLayout"],
    ["wieghts", "weights"],
    ["rnak", "rank"],
    ["kep", "keep"],
  ])("finds what %s was meant to be", (word, meant) => {
    expect(nearest(word, WORDS)).toBe(meant);
  });

  it("finds nothing where no word is near, and nothing for the empty word", () => {
    for (const word of ["banana", "xyz", "o", ""]) expect(nearest(word, WORDS)).toBeNull();
    expect(nearest("rank", [])).toBeNull();
  });
});
