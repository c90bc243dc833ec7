import { expect, it } from "vitest";
import { inPassing, sumValues } from "../../src/figures/sum-values.ts";

it("are looked at where they cost little: three 7B adapters of rank 16, not seven", () => {
  expect(inPassing(Array<number>(224).fill(48))).toBe(true);
  expect(inPassing(Array<number>(224).fill(112))).toBe(false);
});

it("are those of the weighted sum (worked by hand)", () => {
  // Units a = e_0, b = 2 e_0 and a = e_1, b = e_1, the second with weight 3: singular values 2 and 3.
  const values = sumValues({
    count: 2,
    weights: [1, 3],
    gramA: Float64Array.of(1, 0, 0, 1),
    gramB: Float64Array.of(4, 0, 0, 1),
  });
  expect(values.map((value) => value.toFixed(9))).toEqual(["3.000000000", "2.000000000"]);
});
