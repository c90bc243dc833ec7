import { describe, expect, it } from "vitest";
import { bernoulliMask } from "../../src/methods/elementwise/draws.ts";
import { adapterOf, mergeTightly, type Rows } from "../support/dense-merge.ts";
import { relativeDifference } from "../support/pools.ts";

const ONE = [
  [4, -1, 0],
  [2, 3, -5],
];
const OTHER = [
  [1, -2, 6],
  [-3, 2, 7],
];

describe("methods on dense deltas, worked by hand", () => {
  const near = async (id: string, weights: readonly number[], options: object, expected: Rows): Promise<void> => {
    const adapters = [adapterOf(ONE, weights[0]), adapterOf(OTHER, weights[1])];
    const { delta, residual } = await mergeTightly(id, adapters, 2, options);
    expect(relativeDifference(delta, expected)).toBeLessThan(1e-6);
    if (id !== "knots") expect(residual).toBeLessThan(1e-6);
  };

  it("magnitude_prune_svd keeps 3 of 6 entries of each, and sums by weight", () =>
    // 4, 3, -5 of one; 6, -3, 7 of the other, twice.
    near("magnitude_prune_svd", [1, 2], { density: 0.5 }, [
      [4, 0, 12],
      [-6, 3, 9],
    ]));

  it("ties_svd lets -5 and 7 vote: plus wins, and weights take no part in it", () =>
    near("ties_svd", [1, 2], { density: 0.5 }, [
      [4, 0, 12],
      [-6, 3, 14],
    ]));

  it("ties_svd by mergekit's consensus divides by the weights that agree", () =>
    near("ties_svd", [1, 2], { density: 0.5, consensus: "mergekit" }, [
      [4, 0, 6],
      [-3, 3, 7],
    ]));

  it("breadcrumbs drops the largest entry, then keeps three", () =>
    // Without -5: 4, 2, 3. Without 7: 6, -3 and the first of -2 and 2.
    near("breadcrumbs", [1, 1], { density: 0.5, gamma: 0.17 }, [
      [4, -2, 6],
      [-1, 3, 0],
    ]));

  it("breadcrumbs_ties lets the entries between vote", () =>
    // 4, -1, 0, 2, 3 without the largest; 1, -2, 6, -3, 2 likewise; three of each stay.
    near("breadcrumbs_ties", [1, 1], { density: 0.5, gamma: 0.17 }, [
      [4, -2, 6],
      [-3, 3, 0],
    ]));

  it("breadcrumbs_ties adds up those that agree as mergekit does without normalize", async () => {
    // At density 1 the votes of weight 1 and 2 elect plus, minus, plus in one row, minus, plus, plus in the other.
    const options = { density: 1, consensus: "mergekit_sum" };
    await near("breadcrumbs_ties", [1, 2], options, [
      [6, -5, 12],
      [-6, 7, 14],
    ]);
    await near("breadcrumbs_ties", [1, 2], { ...options, consensus: "mergekit" }, [
      [2, -5 / 3, 6],
      [-3, 7 / 3, 7],
    ]);
  });

  it("sce selects what varies, weighs by squares and erases the minority's signs", async () => {
    // Half the distances are 1.5, 0.5, 3 and 2.5, 0.5, 6: the largest three stay. 2 and -3 elect minus, -5 and 7 plus.
    await near("sce", [1, 1], { density: 0.5 }, [
      [0, 0, 6],
      [-3, 0, 7],
    ]);
    // Squares 55 and 103 of all; both agree in 4 and 1, -1 and -2, 3 and 2.
    await near("sce", [1, 1], {}, [
      [(4 * 55 + 103) / 158, (-55 - 2 * 103) / 158, 6],
      [-3, (3 * 55 + 2 * 103) / 158, 7],
    ]);
    // Weights multiply the squares; -2 and 2 elect plus.
    const opposite = [
      [4, -4, 0],
      [8, 0, 0],
    ];
    const turned = [
      [2, 4, 0],
      [8, 0, 0],
    ];
    const { delta } = await mergeTightly("sce", [adapterOf(opposite, 3), adapterOf(turned)], 2, {});
    const share = (3 * 96) / (3 * 96 + 84);
    expect(
      relativeDifference(delta, [
        [4 * share + 2 * (1 - share), 4, 0],
        [8, 0, 0],
      ]),
    ).toBeLessThan(1e-6);
  });

  it("sce keeps nothing of what all agree on below density 1, and one adapter whole", async () => {
    const same = await mergeTightly("sce", [adapterOf(ONE), adapterOf(ONE)], 2, { density: 0.9 });
    expect(same.delta.flat().every((value) => value === 0)).toBe(true);
    const alone = await mergeTightly("sce", [adapterOf(ONE, 2)], 2, { density: 0.1 });
    expect(relativeDifference(alone.delta, ONE)).toBeLessThan(1e-6);
  });

  it("dare_linear_svd drops what the mask says, by the place of the delta and the entry, and doubles the rest", () => {
    // OTHER is the first of the two: 1 < 4.
    const mask = bernoulliMask(3, 2, 0.5);
    const kept = (value: number, place: number, index: number): number => (mask(place, index) ? 2 * value : 0);
    const expected = ONE.map((row, o) =>
      row.map((value, x) => kept(value, 1, 3 * o + x) - kept(OTHER[o]![x]!, 0, 3 * o + x)),
    );
    return near("dare_linear_svd", [1, -1], { density: 0.5, seed: 3 }, expected);
  });

  it("dare_ties_svd votes on what the mask leaves", () => {
    const mask = bernoulliMask(0, 2, 0.5);
    const expected = ONE.map((row, o) =>
      row.map((value, x) => {
        const [p, q] = [mask(1, 3 * o + x) ? 2 * value : 0, mask(0, 3 * o + x) ? 2 * OTHER[o]![x]! : 0];
        const agreeing = [p, q].filter((entry) => (p + q >= 0 ? entry > 0 : entry < 0));
        return agreeing.reduce((sum, entry) => sum + entry, 0) / Math.max(1, agreeing.length);
      }),
    );
    return near("dare_ties_svd", [1, 1], { density: 0.5 }, expected);
  });

  it("della keeps small entries more seldom and divides them by less", async () => {
    // Density 1/2, epsilon 1: the smallest of a row is always dropped, the middle one kept by 1/2, the largest always.
    const { delta } = await mergeTightly("della", [adapterOf(ONE)], 2, { density: 0.5, epsilon: 1 });
    const middle = (value: number, index: number): number => (bernoulliMask(0, 2, 0.5)(0, index) ? 2 * value : 0);
    const expected = [
      [4, middle(-1, 1), 0],
      [0, middle(3, 4), -5],
    ];
    expect(relativeDifference(delta, expected)).toBeLessThan(1e-6);
  });

  it("della_linear adds up what della votes on", async () => {
    const options = { density: 0.5, epsilon: 1 };
    const alone = await mergeTightly("della", [adapterOf(ONE)], 2, options);
    expect((await mergeTightly("della_linear", [adapterOf(ONE)], 2, options)).delta).toEqual(alone.delta);
    // The largest of each row are kept always, the middle ones by the mask of their place: OTHER is the first.
    const middle = (value: number, place: number, index: number): number =>
      bernoulliMask(0, 2, 0.5)(place, index) ? 2 * value : 0;
    return near("della_linear", [1, -1], options, [
      [4, middle(-1, 1, 1) - middle(-2, 0, 1), -6],
      [-middle(-3, 0, 3), middle(3, 1, 4), -5 - 7],
    ]);
  });

  it("knots votes in the shared directions", async () => {
    // Both deltas write along (3, 4) / 5 alone, so their blocks are 5 x and 5 y: signs agree in 3 and 1, -2 and -2.
    const along = (row: readonly number[]): number[][] => [row.map((x) => 3 * x), row.map((x) => 4 * x)];
    const adapters = [adapterOf(along([3, 1, -2])), adapterOf(along([1, -2, -2]))];
    const ties = await mergeTightly("knots", adapters, 1, { density: 1 });
    expect(relativeDifference(ties.delta, along([2, -2, -2]))).toBeLessThan(1e-6);
    const mean = await mergeTightly("knots", adapters, 1, { rule: "mean" });
    expect(relativeDifference(mean.delta, along([2, -0.5, -2]))).toBeLessThan(1e-6);
  });
});
