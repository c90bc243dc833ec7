import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { netUtilities, ranksWithin } from "../../src/methods/net-utility.ts";
import { diagonal, randomFactors } from "../support/factors.ts";
import { type Factors, poolOf } from "../support/pools.ts";

const utilities = async (adapters: readonly Factors[], alpha: number): Promise<number[]> => [
  ...netUtilities(await poolOf(wasmKernels(), adapters, true), alpha).scores,
];

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

describe("the span of directions", () => {
  const spanOf = async (adapters: readonly Factors[]): Promise<number> =>
    netUtilities(await poolOf(wasmKernels(), adapters, true)).span;

  it("counts what adapters share once, on the side where they share more (worked by hand)", async () => {
    expect(await spanOf([diagonal(4, 2, 1)])).toBe(3);
    expect(await spanOf([diagonal(4, 2, 0), diagonal(0, 3, 0)])).toBe(2);
    // u = e_0 is shared, v = e_1 is not.
    expect(await spanOf([diagonal(4, 0, 0), { A: [[0, 1, 0]], B: [[5], [0], [0]] }])).toBe(1);
    expect(await spanOf([{ A: [[1, 0, 0]], B: [[0], [0], [0]] }])).toBe(0);
  });
});

describe("ranks within a total", () => {
  const modules = [
    { scores: [1, 0.6, 0.2, -0.1], most: 4 },
    { scores: [-0.5, 0.6], most: 2 },
    { scores: [-1], most: 1 },
  ];

  it("go to each module first, and then to the best directions of all together (worked by hand)", () => {
    expect(ranksWithin(modules, 3)).toEqual([1, 1, 1]);
    expect(ranksWithin(modules, 4)).toEqual([2, 1, 1]);
    expect(ranksWithin(modules, 5)).toEqual([3, 1, 1]);
    expect(ranksWithin(modules, 6)).toEqual([4, 1, 1]);
    expect(ranksWithin(modules, 7)).toEqual([4, 2, 1]);
  });

  it("go to the module that comes first where directions score the same", () => {
    const same = { scores: [1, 1, 1], most: 3 };
    expect(ranksWithin([same, same], 3)).toEqual([2, 1]);
    expect(ranksWithin([same, same], 5)).toEqual([3, 2]);
  });

  it("are left over where no module can use them", () => {
    expect(ranksWithin(modules, 100)).toEqual([4, 2, 1]);
    expect(ranksWithin([{ scores: [], most: 5 }], 10)).toEqual([1]);
  });

  it("go to others where a module has as many as it can use", () => {
    const [first, ...others] = modules;
    expect(ranksWithin([{ ...first!, most: 2 }, ...others], 5)).toEqual([2, 2, 1]);
    expect(ranksWithin([{ ...first!, most: 0 }, ...others], 5)).toEqual([1, 2, 1]);
  });

  it("are never more than the total, and grow with it in every module", () => {
    const random = seededRandom(1);
    for (let round = 0; round < 50; round++) {
      const drawn = Array.from({ length: 1 + random.below(6) }, () => {
        const scores = Array.from({ length: random.below(9) }, () => random.uniform() * 2 - 1);
        return { scores, most: 1 + random.below(9) };
      });
      const most = drawn.map((module) => Math.max(1, Math.min(module.most, module.scores.length)));
      const usable = most.reduce((sum, own) => sum + own, 0);
      let before = drawn.map(() => 1);
      for (let total = drawn.length; total < usable + 3; total++) {
        const ranks = ranksWithin(drawn, total);
        expect(ranks.reduce((sum, rank) => sum + rank, 0)).toBe(Math.min(total, usable));
        for (const [i, rank] of ranks.entries()) expect(rank).toBeGreaterThanOrEqual(before[i]!);
        before = ranks;
      }
      expect(before).toEqual(most);
    }
  });
});
