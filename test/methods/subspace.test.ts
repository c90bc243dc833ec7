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

  it("cuts to the largest singular values, whichever task they come from (worked by hand)", async () => {
    expectDiagonal(await merge("tsv", [diagonal(0, 2, 0), diagonal(0, 0, 3)], 1), 0, 0, 3);
  });

  it("cuts to a rank as the singular values of all of it do, also where adapters depend on each other", async () => {
    const shared = [randomFactors(1, 4), randomFactors(2, 3, 2)];
    for (const adapters of [shared, [...shared, shared[0]!]]) {
      const whole = await merge("tsv", adapters, 64);
      const svd = new SingularValueDecomposition(new Matrix(whole), { autoTranspose: true });
      for (const k of [1, 2, 3]) {
        const [left, right] = [svd.leftSingularVectors, svd.rightSingularVectors].map((of) =>
          of.subMatrix(0, of.rows - 1, 0, k - 1),
        ) as [Matrix, Matrix];
        const best = left.mmul(Matrix.diag(svd.diagonal.slice(0, k))).mmul(right.transpose());
        expect(relativeDifference(await merge("tsv", adapters, k), best.to2DArray())).toBeLessThan(1e-6);
      }
    }
  });
});

describe("svd_clamp", () => {
  it("limits the entries of V and of U S to a quantile of all of them (worked by hand)", async () => {
    // V has two entries of 1, U S has 4 and 1, and eight are 0. Of twelve, 10/11 is the eleventh, 1; 0.99 is 10.89 steps from the first:
    // 1 + 0.89 (4 - 1).
    expectDiagonal(await merge("svd_clamp", [diagonal(4, -1, 0)], 3, { clamp: 10 / 11 }), 1, -1, 0);
    expectDiagonal(await merge("svd_clamp", [diagonal(4, 1, 0)], 3), 3.67, 1, 0);
    expectDiagonal(await merge("svd_clamp", [diagonal(4, 1, 0)], 3, { clamp: 1 }), 4, 1, 0);
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

describe("dc_merge", () => {
  it("smooths the singular values of each task to their mean, or to a line (worked by hand)", async () => {
    const adapters = [diagonal(3, 1, 0), diagonal(0, 0, 4)];
    expectDiagonal(await merge("dc_merge", adapters, 3, { density: 1 }), 2, 2, 4);
    // The line falls from min(5, 3 / 1) to 1, and (3, 1) has the sum 4 already; from 2 to 1 it becomes (8, 4) / 3.
    const linear = { smoothing: "linear", density: 1 };
    expectDiagonal(await merge("dc_merge", adapters, 3, linear), 3, 1, 4);
    expectDiagonal(await merge("dc_merge", adapters, 3, { ...linear, rho: 2 }), 8 / 3, 4 / 3, 4);
  });

  it("keeps at least one entry of each task, and those that equal it (worked by hand)", async () => {
    const adapters = [diagonal(3, 1, 0), diagonal(0, 0, 4)];
    expectDiagonal(await merge("dc_merge", adapters, 3), 2, 2, 4);
    expectDiagonal(await merge("dc_merge", adapters, 3, { smoothing: "linear" }), 3, 0, 4);
  });

  it("averages what agrees in the tasks' own blocks, and lets the larger sum choose (worked by hand)", async () => {
    // Both have u = v = e_0: in the cover space 4 and 2 become [[2, 2], [2, 2]] and [[1, 1], [1, 1]]. Their mean is 1.5; the two blocks
    // on the diagonal hold (1.5 + 1.5) / 2.
    expectDiagonal(await merge("dc_merge", [diagonal(4, 0, 0), diagonal(2, 0, 0)], 3, { density: 1 }), 1.5, 0, 0);
    // Against -2 the sum has the sign of 4, alone: (2 + 2) / 2.
    const against = [diagonal(4, 0, 0), { ...diagonal(2, 0, 0), weight: -1 }];
    expectDiagonal(await merge("dc_merge", against, 3, { density: 1 }), 2, 0, 0);
    // A weight scales a task before that.
    const weighted = [diagonal(4, 0, 0), { ...diagonal(4, 0, 0), weight: 0.5 }];
    expectDiagonal(await merge("dc_merge", weighted, 3, { density: 1 }), 1.5, 0, 0);
  });
});

describe("ct_merge", () => {
  // e_0 is of both tasks, e_1 and e_2 of one each.
  const adapters = [diagonal(4, 3, 0), diagonal(2, 0, 1)];
  const [first, second] = [Math.sqrt((16 + 9) / 2), Math.sqrt((4 + 1) / 2)];

  it("gives the common direction the mean delta's strength, and the tasks' own their root mean square (worked by hand)", async () => {
    expectDiagonal(await merge("ct_merge", adapters, 3, { common: 1 }), 3, first, second);
    expectDiagonal(await merge("ct_merge", adapters, 3, { common: 0 }), (first + second) / 2, first, second);
  });

  it("takes no direction for common that has no more support than one that it leaves out", async () => {
    expectDiagonal(await merge("ct_merge", adapters, 3, { common: 2 }), 3, first, second);
    // All three at once: (3, 1.5, 0.5) of the mean, and nothing is left of the tasks' own.
    const level = Math.sqrt((9 + 2.25 + 0.25) / 3);
    expectDiagonal(await merge("ct_merge", adapters, 3, { common: 3 }), level, level, level);
  });
});

describe("do_merging", () => {
  const adapters = [diagonal(4, 2, 0), diagonal(2, 0, 1)];

  it("gives every column the mean of its lengths, and sums (worked by hand)", async () => {
    // Lengths (4, 2, 0) and (2, 0, 1): means 3, 1 and 0.5; e_0 counts twice.
    expectDiagonal(await merge("do_merging", adapters, 3, { orthogonal: false }), 6, 1, 0.5);
  });

  it("makes the tasks orthogonal first: each keeps half of what they share (worked by hand)", async () => {
    // (2, 2, 0) and (1, 0, 1): means 1.5, 1 and 0.5.
    expectDiagonal(await merge("do_merging", adapters, 3), 3, 1, 0.5);
    const minus = [adapters[0]!, { ...adapters[1]!, weight: -1 }];
    expectDiagonal(await merge("do_merging", minus, 3), 0, 1, -0.5);
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
