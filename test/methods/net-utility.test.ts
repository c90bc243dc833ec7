import { describe, expect, it } from "vitest";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { netUtilities, ranksWithin } from "../../src/methods/net-utility.ts";
import { diagonal, randomFactors } from "../support/factors.ts";
import { type Factors, poolOf } from "../support/pools.ts";

const utilities = async (adapters: readonly Factors[], alpha: number): Promise<number[]> =>
  netUtilities(await poolOf(wasmKernels(), adapters, true), alpha);

const sorted = (values: readonly number[]): number[] => values.toSorted((one, other) => one - other);
function expectSame(found: readonly number[], expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  for (const [i, value] of sorted(found).entries()) expect(value).toBeCloseTo(sorted(expected)[i]!, 6);
}

describe("the net utility of a singular direction", () => {
  const two = [diagonal(4, 2, 1), diagonal(0, 3, 0)];

  it("is its relative strength less its overlap with directions of others (worked by hand)", async () => {
    // 4, 2 and 1 of the first are 1, 0.5 and 0.25 of its largest; e_1 of the second overlaps the second of them on both sides, 1 + 1.
    // It loses 0.1 x 1 x 2 by it, and the second adapter's own loses 0.1 x 0.5 x 2.
    expectSame(await utilities(two, 0.1), [1, 0.3, 0.25, 0.9]);
    expectSame(await utilities(two, 0), [1, 0.5, 0.25, 1]);
  });

  it("counts one side where only one is shared (worked by hand)", async () => {
    const crossed = { A: [[0, 1, 0]], B: [[5], [0], [0]] };
    // u = e_0, v = e_1: it shares u with the 4, v with the 2, one each.
    expectSame(await utilities([two[0]!, crossed], 0.1), [0.9, 0.4, 0.25, 1 - 0.1 * (1 + 0.5)]);
  });

  it("is relative strength alone with one adapter, whatever alpha", async () => {
    expectSame(await utilities([two[0]!], 7), [1, 0.5, 0.25]);
  });

  it("does not depend on order, on weights, on scales of adapters or on how deltas are split", async () => {
    const adapters = [randomFactors(1, 4, 2), randomFactors(2, 3, -0.5), randomFactors(3, 5)];
    const expected = await utilities(adapters, 0.3);
    expect(expected.length).toBe(12);
    const [first, ...others] = adapters;
    const changed = {
      ...first!,
      weight: -3,
      A: first!.A.map((row) => row.map((x) => 4 * x)),
      B: first!.B.map((row) => row.map((x) => -x)),
    };
    expectSame(await utilities([...others, changed], 0.3), expected);
  });

  it("leaves out what is zero", async () => {
    const [row, column] = [
      [1, 0, 0],
      [0, 0],
    ];
    const cancelling = { A: [row, row], B: [[1, -1], column, column] };
    expectSame(await utilities([...two, cancelling], 0.1), [1, 0.3, 0.25, 0.9]);
    expect(await utilities([{ A: [[1, 0, 0]], B: [[0], [0], [0]] }], 0.1)).toEqual([]);
  });
});

describe("ranks within a total", () => {
  const scores = new Map([
    ["q", [1, 0.6, 0.2, -0.1]],
    ["k", [0.6, -0.5]],
    ["v", [-1]],
  ]);
  const within = (total: number): number[] => [...ranksWithin(scores, total).values()];

  it("go to the best directions of all modules together; of equal ones to the module that comes first", () => {
    expect(within(1)).toEqual([1, 0, 0]);
    expect(within(2)).toEqual([2, 0, 0]);
    expect(within(3)).toEqual([2, 1, 0]);
  });

  it("never go to directions that cost more than they give, whatever is left", () => {
    expect(within(4)).toEqual([3, 1, 0]);
    expect(within(100)).toEqual([3, 1, 0]);
    expect(within(0)).toEqual([0, 0, 0]);
  });
});
