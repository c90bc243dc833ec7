import { describe, expect, it } from "vitest";
import { expectDiagonal, mergeExactly } from "../support/diagonal.ts";
import { diagonal, randomFactors } from "../support/factors.ts";
import { type Factors, factorsDelta, relativeDifference } from "../support/pools.ts";

const RANK = 9;
const merge = (id: string, adapters: readonly Factors[]) => mergeExactly(id, adapters, RANK);
const weighing = (adapter: Factors, weight: number): Factors => ({ ...adapter, weight });
const ALL = ["multislerp", "karcher", "nuslerp", "model_stock"];

describe("multislerp", () => {
  it("goes along the mean of the directions, as far as the mean of the norms (worked by hand)", async () => {
    // Directions (1, 0) and (0, 1) count 3 to 1: (3, 1) / sqrt 10. Norms 4 and 8: 3/4 of 4 and 1/4 of 8 are 5.
    const adapters = [weighing(diagonal(4, 0, 0), 3), weighing(diagonal(0, 8, 0), 1)];
    expectDiagonal(await merge("multislerp", adapters), 15 / Math.sqrt(10), 5 / Math.sqrt(10), 0);
  });

  it("is the weighted mean where the directions cancel", async () => {
    expectDiagonal(await merge("multislerp", [diagonal(4, 0, 0), diagonal(-2, 0, 0)]), 1, 0, 0);
    expectDiagonal(await merge("multislerp", [diagonal(4, 2, 0), diagonal(-4, -2, 0)]), 0, 0, 0);
    // Three at 120 degrees, of norms 2, 2 and 4.
    const [x, y] = [Math.cos(Math.PI / 3), Math.sin(Math.PI / 3)];
    const star = [diagonal(2, 0, 0), diagonal(-2 * x, 2 * y, 0), diagonal(-4 * x, -4 * y, 0)];
    expectDiagonal(await merge("multislerp", star), -1 / 3, (-2 * y) / 3, 0);
    expectDiagonal(await merge("karcher", star), -1 / 3, (-2 * y) / 3, 0);
  });
});

describe("karcher", () => {
  it("divides the arc between two by their weights (worked by hand)", async () => {
    // A right angle, 2 to 1: 30 degrees from the first. Norms 3 and 6: 2/3 of 3 and 1/3 of 6 are 4.
    const adapters = [weighing(diagonal(3, 0, 0), 2), weighing(diagonal(0, 6, 0), 1)];
    expectDiagonal(await merge("karcher", adapters), 2 * Math.sqrt(3), 2, 0);
  });

  it("finds the point where the weighted angles balance (worked by hand)", async () => {
    // On one arc, at 0, 20 and 100 degrees with weights 2, 1 and 1: the mean angle is 30, that of the directions' sum is not.
    const at = (degrees: number): Factors =>
      diagonal(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180), 0);
    const adapters = [weighing(at(0), 2), at(20), at(100)];
    expectDiagonal(await merge("karcher", adapters), Math.sqrt(3) / 2, 1 / 2, 0);
    expect((await merge("multislerp", adapters))[1]![1]!).toBeLessThan(0.49);
  });

  it("leaves out what is opposite to the mean, since no direction leads there", async () => {
    expectDiagonal(await merge("karcher", [weighing(diagonal(2, 0, 0), 3), diagonal(-6, 0, 0)]), 3, 0, 0);
  });
});

describe("nuslerp", () => {
  it("divides the arc by the weights, and keeps the deltas' own norms (worked by hand)", async () => {
    // A right angle, 2 to 1: sin 60 of the first and sin 30 of the second.
    const adapters = [weighing(diagonal(2, 0, 0), 2), weighing(diagonal(0, 6, 0), 1)];
    expectDiagonal(await merge("nuslerp", adapters), Math.sqrt(3), 3, 0);
    expectDiagonal(await merge("nuslerp", [...adapters].reverse()), Math.sqrt(3), 3, 0);
  });

  it("is linear between parallel and opposite deltas", async () => {
    const along = [weighing(diagonal(1, 2, 0), 3), diagonal(3, 6, 0)];
    expectDiagonal(await merge("nuslerp", along), 1.5, 3, 0);
    const against = [weighing(diagonal(1, 2, 0), 3), diagonal(-1, -2, 0)];
    expectDiagonal(await merge("nuslerp", against), 0.5, 1, 0);
  });
});

describe("model_stock", () => {
  it("shortens the average by n cos / (1 + (n - 1) cos) (worked by hand)", async () => {
    // Cosines 1, 1/sqrt 2 and 1/sqrt 2; the mean (1 + sqrt 2) / 3 = c; the average (3, 0, 1).
    const c = (1 + Math.SQRT2) / 3;
    const factor = (3 * c) / (1 + 2 * c);
    const adapters = [diagonal(2, 0, 0), diagonal(4, 0, 0), diagonal(3, 0, 3)];
    expectDiagonal(await merge("model_stock", adapters), 3 * factor, 0, factor);
  });

  it("counts pairs and models by their weights (worked by hand)", async () => {
    // Shares 1/2, 1/4, 1/4; pairs 1/8, 1/8, 1/16 of cosines 1, 0, 0: c = 2/5; the squares of the shares are 3/8.
    const adapters = [weighing(diagonal(2, 0, 0), 2), diagonal(4, 0, 0), diagonal(0, 8, 0)];
    const factor = 0.4 / (0.4 + 0.6 * 0.375);
    expectDiagonal(await merge("model_stock", adapters), 2 * factor, 2 * factor, 0);
  });

  it("is zero where the deltas do not agree on the whole", async () => {
    // At right angles; opposite to one another; and at cos = -1 / (n - 1), where mergekit's factor has its pole.
    expectDiagonal(await merge("model_stock", [diagonal(2, 0, 0), diagonal(0, 4, 0)]), 0, 0, 0);
    expectDiagonal(await merge("model_stock", [diagonal(2, 1, 0), diagonal(-4, 0, 0)]), 0, 0, 0);
    const star = [diagonal(2, -1, -1), diagonal(-1, 2, -1), diagonal(-1, -1, 2)];
    expectDiagonal(await merge("model_stock", star), 0, 0, 0);
  });
});

describe.each(ALL)("%s", (id) => {
  const adapters = [randomFactors(1, 4, 2), randomFactors(2, 3, -0.5)].map((adapter, t) =>
    weighing(adapter, 1 + 2 * t),
  );

  it("takes weights relatively", async () => {
    const doubled = adapters.map((adapter) => weighing(adapter, 2 * adapter.weight!));
    expect(relativeDifference(await merge(id, doubled), await merge(id, adapters))).toBeLessThan(1e-6);
  });

  it("leaves an adapter out that is zero here, and gives one that is left back, bit by bit", async () => {
    const nothing = { A: [[1, 1, 1]], B: [[0], [0], [0]] };
    const alone = weighing(diagonal(1, 2, 0.3), 0.7);
    const whole = factorsDelta(alone).map((row) => row.map(Math.fround));
    expect(await merge(id, [alone, weighing(nothing, 5)])).toEqual(whole);
    // Units that cancel out are nothing too.
    const cancelling = {
      A: [
        [1, 2, 3],
        [1, 2, 3],
      ],
      B: [
        [1, -1],
        [2, -2],
        [0.5, -0.5],
      ],
    };
    expect(await merge(id, [alone, weighing(cancelling, 5)])).toEqual(whole);
  });
});
