import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { coreSpace } from "../../src/methods/core-space.ts";
import { mergeByRule, RULES } from "../../src/methods/elementwise/rules.ts";
import { defaultsOf } from "../../src/methods/method.ts";
import { expectDiagonal, mergeExactly as merge } from "../support/diagonal.ts";
import { diagonal, randomFactors } from "../support/factors.ts";
import { factorsDelta, relativeDifference } from "../support/pools.ts";

describe("iso_c", () => {
  it("gives the leading directions of the sum the mean of its singular values (worked by hand)", async () => {
    // 5, 3 and 2 of the sum: mean 10/3; the leading two are the first and the third.
    const adapters = [diagonal(5, 2, 0), diagonal(0, 0, 3)];
    expectDiagonal(await merge("iso_c", adapters, 2), 10 / 3, 0, 10 / 3);
    expectDiagonal(await merge("iso_c", adapters, 64), 10 / 3, 10 / 3, 10 / 3);
    // Subtracted: 5, 2 and -3.
    const minus = [adapters[0]!, { ...adapters[1]!, weight: -1 }];
    expectDiagonal(await merge("iso_c", minus, 2), 10 / 3, 0, -10 / 3);
  });

  it("is empty where the tasks cancel", async () => {
    const adapters = [diagonal(5, 2, 0), { ...diagonal(5, 2, 0), weight: -1 }];
    expect((await merge("iso_c", adapters, 2)).flat().every((x) => x === 0)).toBe(true);
  });
});

describe("iso_cts", () => {
  it("takes common directions and then each task's own (worked by hand)", async () => {
    // One common direction (5), then the leading one of each residual (2 and 3): mean 10/3.
    const adapters = [diagonal(5, 2, 0), diagonal(0, 0, 3)];
    expectDiagonal(await merge("iso_cts", adapters, 3, { common: 1 / 3 }), 10 / 3, 10 / 3, 10 / 3);
    // At rank 2 no task gets a direction of its own: both are common, 5 and 3.
    expectDiagonal(await merge("iso_cts", adapters, 2), 4, 0, 4);
  });
});

describe("tsv", () => {
  it("keeps floor(min(in, out) / T) triplets of each task (worked by hand)", async () => {
    expectDiagonal(await merge("tsv", [diagonal(5, 2, 0), diagonal(0, 0, 3)], 3), 5, 0, 3);
  });

  it("halves what two tasks have in common (worked by hand)", async () => {
    // Both have u = v = e_0: the polar factor of [e_0 e_0] is e_0 (1, 1) / sqrt 2, so that (4 + 2) / 2 is left.
    expectDiagonal(await merge("tsv", [diagonal(4, 0, 0), diagonal(2, 0, 0)], 3), 3, 0, 0);
  });
});

describe("slerp", () => {
  it("keeps the norm between deltas at a right angle (worked by hand)", async () => {
    const half = Math.sqrt(2);
    expectDiagonal(await merge("slerp", [diagonal(2, 0, 0), diagonal(0, 2, 0)], 2), half, half, 0);
    // sin(90 (1 - t)) and sin(90 t) at t = 1/3: cos 30 and sin 30.
    const third = await merge("slerp", [diagonal(2, 0, 0), diagonal(0, 2, 0)], 2, { t: 1 / 3 });
    expectDiagonal(third, Math.sqrt(3), 1, 0);
  });

  it("is linear between parallel deltas and where one is missing, and gives the ends", async () => {
    expectDiagonal(await merge("slerp", [diagonal(1, 2, 0), diagonal(3, 6, 0)], 3), 2, 4, 0);
    expectDiagonal(await merge("slerp", [diagonal(1, 2, 0), { A: [[1, 1, 1]], B: [[0], [0], [0]] }], 3), 0.5, 1, 0);
    expectDiagonal(await merge("slerp", [diagonal(1, 2, 0), diagonal(0, 1, 5)], 3, { t: 0 }), 1, 2, 0);
    expectDiagonal(await merge("slerp", [diagonal(1, 2, 0), diagonal(0, 1, 5)], 3, { t: 1 }), 0, 1, 5);
  });
});

describe("pico", () => {
  it("undoes what equal adapters add up to (worked by hand)", async () => {
    // All of B is shared: each is halved, the sum is the delta itself.
    expectDiagonal(await merge("pico", [diagonal(4, 0, 0), diagonal(4, 0, 0)], 3), 4, 0, 0);
  });

  it("shrinks shared output directions more than others, and keeps the mean norm (worked by hand)", async () => {
    // B of both: sqrt 4 e_0; B of the second besides: sqrt 4 e_1. Squares 8 and 4 of 12: e_0 becomes 1 / (1 + 2/3) = 0.6, e_1
    // 1 / (1 + 1/3) = 0.75. Sum (4 + 4) 0.6 and 4 0.75: (4.8, 3), brought to the mean of norms 4 and 4 sqrt 2.
    const norm = (4 + 4 * Math.sqrt(2)) / 2 / Math.hypot(4.8, 3);
    expectDiagonal(await merge("pico", [diagonal(4, 0, 0), diagonal(4, 4, 0)], 3), 4.8 * norm, 3 * norm, 0);
  });
});

describe("ctm", () => {
  it("finds the shared bases of norms that are brought together, and merges the original cores (worked by hand)", async () => {
    const tasks = [diagonal(5, 0, 0), diagonal(0, 0, 1), diagonal(0, 0, 1)];
    // By their own norms the first direction is strongest, of equal norms the third, which two tasks share.
    expectDiagonal(await merge("ctm", tasks, 1, { rule: "sum", beta: 1 }), 5, 0, 0);
    expectDiagonal(await merge("ctm", tasks, 1, { rule: "sum", beta: 0 }), 0, 0, 2);
    expectDiagonal(await merge("ctm", tasks, 3, { rule: "sum" }), 5, 0, 2);
  });
});

describe("core_space", () => {
  /** Columns of the left singular vectors with singular values above rounding. */
  function leftBasis(matrix: Matrix): Matrix {
    const svd = new SingularValueDecomposition(matrix, { autoTranspose: true });
    const kept = [...svd.diagonal.keys()].filter((j) => svd.diagonal[j]! > 1e-9 * svd.diagonal[0]!);
    return svd.leftSingularVectors.selection([...Array(matrix.rows).keys()], kept);
  }

  it.each(RULES.filter((rule) => !rule.startsWith("dare")))(
    "equals the dense computation by %s (1e-6)",
    async (rule) => {
      const adapters = [randomFactors(1, 3, 2, 1), randomFactors(2, 4, -0.5, 2), randomFactors(3, 2, 1, 0.5)];
      const deltas = adapters.map((adapter) => new Matrix(factorsDelta(adapter)));
      const across = deltas.reduce(
        (all, delta) => new Matrix(all.to2DArray().map((row, o) => [...row, ...delta.getRow(o)])),
      );
      const down = new Matrix(deltas.flatMap((delta) => delta.to2DArray()));
      const [left, right] = [leftBasis(across), leftBasis(down.transpose())];
      const cores = deltas.map((delta) => Float64Array.from(left.transpose().mmul(delta).mmul(right).to1DArray()));
      const merged = mergeByRule(cores, [1, 2, 0.5], { ...defaultsOf(coreSpace), rule, density: 0.4 });
      const core = Matrix.from1DArray(left.columns, right.columns, Array.from(merged));
      const expected = left.mmul(core).mmul(right.transpose()).to2DArray();
      const found = await merge("core_space", adapters, 64, { rule, density: 0.4 });
      expect(relativeDifference(found, expected)).toBeLessThan(1e-6);
    },
  );

  it("draws masks by the seed", async () => {
    const adapters = [randomFactors(1, 3), randomFactors(2, 4)];
    const at = (seed: number) => merge("core_space", adapters, 64, { rule: "dare_ties", seed });
    expect(await at(1)).toEqual(await at(1));
    expect(relativeDifference(await at(1), await at(2))).toBeGreaterThan(1e-3);
  });
});
