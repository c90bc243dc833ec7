import { describe, expect, it } from "vitest";
import { maximum } from "../../src/core/maximum.ts";
import { compareNaturally } from "../../src/core/natural-order.ts";

describe("maximum", () => {
  it("is the largest of more values than a call takes arguments", () => {
    expect(maximum(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 300_007))).toBe(300_006);
    expect(maximum([-3, -1, -2])).toBe(-1);
    expect(maximum([])).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe("compareNaturally", () => {
  it("orders numbers by value, and equal ones by their digits, from any order", () => {
    const sorted = ["m.01.q", "m.1.q", "m.2.q", "m.10.q"];
    expect(sorted.toReversed().sort(compareNaturally)).toEqual(sorted);
  });
});
