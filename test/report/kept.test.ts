import { expect, it } from "vitest";
import { keptOf } from "../../src/report/kept.ts";

it.each([
  [0.73, 0.049, "lost"],
  [0.73, -0.049, "lost"],
  [-0.01, 0, "lost"],
  [0.73, 0.05, "held"],
  [-0.3, -0.05, "against"],
  [0.049, 0.5, "hardly"],
  [0.05, 0.5, "held"],
  [10, 1, "held"],
  [10.1, 1, "amplified"],
  [null, 0.5, null],
  [0.5, null, null],
] as const)("a share of %s with cosine %s has the word %s", (share, cosine, word) => {
  expect(keptOf(share, cosine)).toBe(word);
});

it("an adapter that shares no module with others is not lost among them", () => {
  expect(keptOf(1, 0.001, true)).toBe("held");
});
