import { describe, expect, it } from "vitest";
import { type Random, seededRandom } from "../../src/core/random.ts";
import { clusterPurity } from "../../src/figures/purity.ts";

describe("clusterPurity", () => {
  const purityOf = (clusters: readonly (readonly number[])[]): number =>
    clusterPurity(clusters, seededRandom(1), 1).purity;

  it("is the share of units that lie with a majority of their own adapter", () => {
    expect(
      purityOf([
        [0, 0],
        [1, 1, 1],
      ]),
    ).toBe(1);
    expect(purityOf([[0, 0, 1], [1, 2], [2]])).toBe(4 / 6);
    expect(purityOf([[0, 1, 2, 3]])).toBe(1 / 4);
    expect(purityOf([[5, 7, 7], []])).toBe(2 / 3);
  });

  it("by chance is 1 where clusters hold one unit each, and the adapters' majority where there is one cluster", () => {
    const singles = clusterPurity([[0], [1], [1]], seededRandom(2), 50);
    expect(singles).toEqual({ purity: 1, chance: 1, deviation: 0 });
    const whole = clusterPurity([[0, 1, 1, 1]], seededRandom(2), 50);
    expect(whole).toEqual({ purity: 0.75, chance: 0.75, deviation: 0 });
  });

  it("by chance of two pairs of two adapters is 2/3: one of three pairings is pure, the others are half", () => {
    const { purity, chance, deviation } = clusterPurity(
      [
        [0, 0],
        [1, 1],
      ],
      seededRandom(3),
      20_000,
    );
    expect(purity).toBe(1);
    // Mean 1/3 + 2/3 * 1/2, variance 1/3 * (1/3)^2 + 2/3 * (1/6)^2 = 1/18; its own error after 20000 draws is 0.0017.
    expect(Math.abs(chance - 2 / 3)).toBeLessThan(0.007);
    expect(Math.abs(deviation - Math.sqrt(1 / 18))).toBeLessThan(0.005);
  });

  it("by chance of clusters of three and one, by counting", () => {
    // Units 0 0 1 1: whichever stays alone, the three others hold a majority of two: (2 + 1) / 4 always.
    expect(clusterPurity([[0, 0, 1], [1]], seededRandom(4), 100)).toEqual({ purity: 0.75, chance: 0.75, deviation: 0 });
  });

  it("shuffles by the numbers handed in: Fisher and Yates, from the last place on", () => {
    // Swaps 3 with 0, 2 with 2, 1 with 0: 0 0 1 1 becomes 1 0 1 0, then 0 1 1 0.
    const draws = [0, 2, 0];
    const limits: number[] = [];
    const random: Random = {
      uint32: () => expect.fail("was asked for 32 bits"),
      uniform: () => expect.fail("was asked for a number in [0, 1)"),
      below(limit) {
        limits.push(limit);
        return draws.shift()!;
      },
    };
    expect(
      clusterPurity(
        [
          [0, 0],
          [1, 1],
        ],
        random,
        1,
      ),
    ).toEqual({ purity: 1, chance: 0.5, deviation: 0 });
    expect(limits).toEqual([4, 3, 2]);
  });

  it("is the same for the same seed", () => {
    const clusters = [
      [0, 1, 2, 0],
      [1, 1],
      [2, 0],
    ];
    expect(clusterPurity(clusters, seededRandom(9), 40)).toEqual(clusterPurity(clusters, seededRandom(9), 40));
  });
});
