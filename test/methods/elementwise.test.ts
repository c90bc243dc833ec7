import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agreeingMean, type Consensus, type Majority, weightedSum } from "../../src/methods/elementwise/consensus.ts";
import { bernoulliMask, dropAndRescale } from "../../src/methods/elementwise/draws.ts";
import { largestOf, pruneByMagnitude } from "../../src/methods/elementwise/sparsify.ts";

const pruned = (values: number[], density: number): number[] => {
  const array = Float64Array.from(values);
  pruneByMagnitude(array, density);
  return [...array];
};

describe("pruneByMagnitude", () => {
  it("keeps the int(density n) largest entries, the first of equals", () => {
    expect(pruned([1, -4, 3, 2], 0.5)).toEqual([0, -4, 3, 0]);
    expect(pruned([1, -4, 3, 2], 0.74)).toEqual([0, -4, 3, 0]);
    expect(pruned([2, -2, 2, 1], 0.5)).toEqual([2, -2, 0, 0]);
    expect(pruned([1, 2], 0)).toEqual([0, 0]);
    expect(pruned([0, 0, 1], 1)).toEqual([0, 0, 1]);
  });

  it("keeps as many as asked for, none smaller than one that is dropped", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1 }), fc.nat(), (values, n) => {
        const count = n % (values.length + 1);
        const cut = largestOf(Float64Array.from(values), count);
        const kept = values.map((value) => cut.keeps(value));
        expect(kept.filter(Boolean)).toHaveLength(count);
        const least = Math.min(...values.filter((_, i) => kept[i]).map(Math.abs));
        expect(values.every((value, i) => kept[i] || Math.abs(value) <= least)).toBe(true);
      }),
    );
  });
});

describe("bernoulliMask", () => {
  it("keeps the density's share, differently for other seeds, tasks and tensors", () => {
    const n = 100_000;
    const drawn = (seed: number, task: number, tensor: number): boolean[] =>
      Array.from({ length: n }, (_, i) => bernoulliMask(seed, tensor, 0.3)(task, i));
    const first = drawn(0, 0, 0);
    for (const other of [drawn(1, 0, 0), drawn(0, 1, 0), drawn(0, 0, 1), drawn(2 ** 40, 0, 0), drawn(-1, 0, 0)]) {
      const share = other.filter(Boolean).length / n;
      // Five standard deviations of a binomial share.
      expect(Math.abs(share - 0.3)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / n));
      // Independent masks agree on 0.3^2 + 0.7^2 of the entries.
      const agree = other.filter((keeps, i) => keeps === first[i]).length / n;
      expect(Math.abs(agree - 0.58)).toBeLessThan(5 * Math.sqrt((0.58 * 0.42) / n));
    }
    expect(drawn(0, 0, 0)).toEqual(first);
  });

  it("keeps all at density 1 and none at 0", () => {
    expect(Array.from({ length: 1000 }, (_, i) => bernoulliMask(0, 0, 1)(0, i)).every(Boolean)).toBe(true);
    expect(Array.from({ length: 1000 }, (_, i) => bernoulliMask(0, 0, 0)(0, i)).some(Boolean)).toBe(false);
  });
});

describe("dropAndRescale", () => {
  it("divides what is kept by the density", () => {
    const whole = Float64Array.of(1, 2, 3, 4);
    dropAndRescale(whole, 0, (_, index) => index % 2 === 1, 0.5);
    expect([...whole]).toEqual([0, 4, 0, 8]);
  });
});

describe("consensus", () => {
  const merge = (tasks: number[][], weights: number[], majority: Majority, consensus: Consensus): number[] => {
    const out = new Float64Array(tasks[0]!.length);
    agreeingMean(
      tasks.map((values) => Float64Array.from(values)),
      weights,
      majority,
      consensus,
      out,
    );
    return [...out];
  };

  it("averages the values of the elected sign, zeros not among them (worked by hand)", () => {
    // Entry by entry: 1 + 2 = + : (1 + 2) / 2; -3 + 1 = - : -3; 0 and 4: 4 alone; nothing: 0; -1 + 1 = 0 counts as +: 1.
    const tasks = [
      [1, -3, 0, 0, -1],
      [2, 1, 4, 0, 1],
    ];
    expect(merge(tasks, [1, 1], "total", "peft")).toEqual([1.5, -3, 4, 0, 1]);
  });

  it("elects by the sum of the values or of their signs", () => {
    const tasks = [[-5], [1], [2]];
    expect(merge(tasks, [1, 1, 1], "total", "peft")).toEqual([-5]);
    expect(merge(tasks, [1, 1, 1], "frequency", "peft")).toEqual([1.5]);
  });

  it("leaves weights out of the vote and the divisor as PEFT does, or takes them in as mergekit does", () => {
    const tasks = [[-3], [1], [1]];
    // PEFT: -1 is elected: 2 * -3 / 1. mergekit: -3 + 4 + 4 > 0: (4 + 4) / (4 + 4).
    expect(merge(tasks, [2, 4, 4], "total", "peft")).toEqual([-6]);
    expect(merge(tasks, [1, 4, 4], "total", "mergekit")).toEqual([1]);
    // A negative weight turns a task's sign in mergekit's vote, and not in PEFT's.
    expect(merge([[1], [1]], [1, -1], "total", "peft")).toEqual([0]);
    expect(merge([[1], [2]], [1, -1], "total", "mergekit")).toEqual([2]);
    expect(merge([[1], [-2]], [1, -1], "total", "mergekit")).toEqual([3]);
    // Without normalize the sum is divided by nothing: 4 + 4, and 1 + 2.
    expect(merge(tasks, [1, 4, 4], "total", "mergekit_sum")).toEqual([8]);
    expect(merge([[1], [-2]], [1, -1], "total", "mergekit_sum")).toEqual([3]);
  });

  it("sums by weights", () => {
    const out = new Float64Array(2);
    weightedSum([Float64Array.of(1, 2), Float64Array.of(3, -4)], [2, -1], out);
    expect([...out]).toEqual([-1, 8]);
  });
});
