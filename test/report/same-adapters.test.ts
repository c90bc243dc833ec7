import { expect, it } from "vitest";
import type { DeltaProducts } from "../../src/figures/delta.ts";
import { repeatedInputs, sameAdapters } from "../../src/report/same-adapters.ts";

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

it("warns once of all that are the same, in groups", () => {
  const textOf = (...vectors: readonly (readonly number[])[]): string[] => {
    const used = vectors.map((_, t) => ({ name: "abcdef"[t]!, t }));
    return sameAdapters(used, productsOf(...vectors)).map(({ text }) => text);
  };
  const [x, y, nearX] = [
    [1, 0, 0],
    [0, 1, 0],
    [1, 0.1, 0],
  ] as const;
  expect(textOf(x, y)).toEqual([]);
  expect(textOf(x, y, x)).toEqual([
    "a and c are the same adapter, or nearly (cosine 1.0000); keep one of them, unless it is to count more than once.",
  ]);
  // 1 / sqrt(1.01)
  expect(textOf(x, y, nearX, x)).toEqual([
    "a, c and d are the same adapter, or nearly (cosines from 0.9950); keep one of them, unless it is to count more than once.",
  ]);
  expect(textOf(x, y, x, y, [0, 0, 1], x)).toEqual([
    "Each of these groups is the same adapter, or nearly (cosines from 1.0000): a, c and f; b and d. Keep one of each, unless it is to count more than once.",
  ]);
  // The third links the first two, which are turned by 10 degrees.
  const turned = (degrees: number) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  expect(textOf(turned(0), turned(10), turned(5))).toEqual([
    "a, b and c are the same adapter, or nearly (cosines from 0.9962); keep one of them, unless it is to count more than once.",
  ]);
});
