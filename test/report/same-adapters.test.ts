import { expect, it } from "vitest";
import type { DeltaProducts } from "../../src/figures/delta.ts";
import { repeatedInputs } from "../../src/report/same-adapters.ts";

/** The products of deltas that are vectors. */
function productsOf(...vectors: readonly (readonly number[])[]): DeltaProducts {
  const dot = (one: readonly number[], other: readonly number[]): number =>
    one.reduce((sum, x, i) => sum + x * other[i]!, 0);
  return {
    inputs: vectors.flatMap((one) => vectors.map((other) => dot(one, other))),
    cross: vectors.map(() => 0),
    merged: 0,
  };
}

it("of adapters that are nearly the same the largest is kept, the first of equals", () => {
  expect([...repeatedInputs(productsOf([1, 0], [0, 1], [1, 0]))]).toEqual([[2, 0]]);
  expect([...repeatedInputs(productsOf([1, 0], [0, 1], [3, 0.1], [1, 0]))]).toEqual([
    [0, 2],
    [3, 2],
  ]);
  expect([...repeatedInputs(productsOf([1, 0], [0, 0], [1, 1], [-1, 0]))]).toEqual([]);
});
