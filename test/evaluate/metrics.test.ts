import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accuracy, f1, likeliest, matthews, taskScores } from "../../src/evaluate/metrics.ts";

const score = (logProbability: number, tokens = 1) => ({ logProbability, tokens });

describe("scores", () => {
  it("take the likeliest choice, by all of its tokens or by their mean", () => {
    expect(likeliest([score(-2), score(-1), score(-3)])).toBe(1);
    expect(likeliest([score(-1), score(-1)])).toBe(0);
    // -3 in four tokens is -0.75 each, less unlikely a token than -1 in one.
    expect(likeliest([score(-1), score(-3, 4)])).toBe(0);
    expect(likeliest([score(-1), score(-3, 4)], true)).toBe(1);
  });

  it("count by hand what four rows give", () => {
    // Given 0 1 0 0, right 0 1 1 0: 3 of 4. Choice 0: TP 2, FP 1, FN 0, so F1 = 4 / 5. Matthews = (2*1 - 1*0) / sqrt(3*2*2*1).
    const rows = [
      [score(-1), score(-2)],
      [score(-2), score(-1)],
      [score(-1), score(-2)],
      [score(-1), score(-2)],
    ];
    const scores = taskScores(rows, [0, 1, 1, 0], 2);
    expect(scores).toMatchObject({ rows: 4, accuracy: 0.75, accuracyNormalised: 0.75, f1: 0.8 });
    expect(scores.matthews).toBeCloseTo(2 / Math.sqrt(12), 12);
    expect(taskScores(rows, [0, 1, 1, 0], 3).f1).toBeNull();
  });

  it("have no F1 where nothing is positive, and no correlation with what never changes", () => {
    expect(f1([1, 1], [1, 1])).toBeNull();
    expect(matthews([0, 0, 0], [0, 1, 0], 2)).toBe(0);
  });

  it("are 1 for all right and at most that for anything else", () => {
    const rows = fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(rows, (pairs) => {
        const [given, answers] = [pairs.map(([p]) => p), pairs.map(([, q]) => q)];
        expect(accuracy(answers, answers)).toBe(1);
        if (new Set(answers).size > 1) expect(matthews(answers, answers, 3)).toBeCloseTo(1, 12);
        expect(Math.abs(matthews(given, answers, 3))).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });
});
