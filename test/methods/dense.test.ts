import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { agreeingMean, weightedSum } from "../../src/methods/elementwise/consensus.ts";
import { bernoulliMask, largestOf, pruneByMagnitude } from "../../src/methods/elementwise/sparsify.ts";
import { defaultsOf } from "../../src/methods/method.ts";
import { moduleMemory } from "../../src/methods/module-memory.ts";
import { METHODS, methodById } from "../../src/methods/registry.ts";
import { Pool } from "../../src/units/pool.ts";
import { tightKernels } from "../support/kernels.ts";
import { mergePool } from "../support/merge-factors.ts";
import { deltaOf, type Factors, factorsDelta, partOf, relativeDifference } from "../support/pools.ts";

let kernels: Kernels;
beforeAll(() => {
  kernels = tightKernels();
});

type Rows = readonly (readonly number[])[];

const DENSE = METHODS.filter(({ scratchBytes }) => scratchBytes !== undefined);

/** An adapter with this delta, in rank `in`: A is the identity. */
function adapterOf(delta: Rows, weight = 1): Factors {
  const inputs = delta[0]!.length;
  const A = Array.from({ length: inputs }, (_, i) => Array.from({ length: inputs }, (_, x) => (x === i ? 1 : 0)));
  return { A, B: delta, weight };
}

function randomAdapter(seed: number, rank: number, inputs: number, out: number, weight = 1): Factors {
  const random = seededRandom(seed);
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.fround(random.uniform() - 0.5)));
  return { A: matrix(rank, inputs), B: matrix(out, rank), weight };
}

/** Merge by a method in exactly the memory that it names. */
async function merge(id: string, adapters: readonly Factors[], rank: number, options: object = {}) {
  const method = methodById(id);
  const parts = adapters.map(partOf);
  const modules = parts.map(({ module }) => module);
  const run = { method, target: { kind: "rank", rank }, after: null } as const;
  const pool = await Pool.survey(kernels, parts, moduleMemory(modules, [run], 0), true);
  const { merged, rows } = await mergePool(pool, method, adapters, rank, options);
  const [inputs, out] = [pool.in, pool.out];
  return { rows, residual: merged.residual, delta: deltaOf(rows, inputs, out) };
}

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
    const { delta, residual } = await merge(id, adapters, 2, options);
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
    const { delta } = await merge("della", [adapterOf(ONE)], 2, { density: 0.5, epsilon: 1 });
    const middle = (value: number, index: number): number => (bernoulliMask(0, 2, 0.5)(0, index) ? 2 * value : 0);
    const expected = [
      [4, middle(-1, 1), 0],
      [0, middle(3, 4), -5],
    ];
    expect(relativeDifference(delta, expected)).toBeLessThan(1e-6);
  });

  it("knots votes in the shared directions", async () => {
    // Both deltas write along (3, 4) / 5 alone, so their blocks are 5 x and 5 y: signs agree in 3 and 1, -2 and -2.
    const along = (row: readonly number[]): number[][] => [row.map((x) => 3 * x), row.map((x) => 4 * x)];
    const adapters = [adapterOf(along([3, 1, -2])), adapterOf(along([1, -2, -2]))];
    const ties = await merge("knots", adapters, 1, { density: 1 });
    expect(relativeDifference(ties.delta, along([2, -2, -2]))).toBeLessThan(1e-6);
    const mean = await merge("knots", adapters, 1, { rule: "mean" });
    expect(relativeDifference(mean.delta, along([2, -0.5, -2]))).toBeLessThan(1e-6);
  });
});

/** The methods on whole matrices: sparsify each delta (weights in the deltas' order), merge, and cut by ml-matrix's SVD. */
const WHOLE: Readonly<Record<string, (deltas: Float32Array[], weights: number[], out: Float32Array) => void>> = {
  magnitude_prune_svd(deltas, weights, out) {
    for (const delta of deltas) pruneByMagnitude(delta, 0.5);
    weightedSum(deltas, weights, out);
  },
  ties_svd(deltas, weights, out) {
    for (const delta of deltas) pruneByMagnitude(delta, 0.5);
    agreeingMean(deltas, weights, "total", "peft", out);
  },
  breadcrumbs(deltas, weights, out) {
    for (const delta of deltas) {
      const top = Math.floor(0.01 * delta.length);
      const outliers = largestOf(delta, top);
      const kept = largestOf(delta, top + Math.floor(0.9 * delta.length));
      for (let i = 0; i < delta.length; i++) {
        const outlier = outliers.keeps(delta[i]!);
        if (!kept.keeps(delta[i]!) || outlier) delta[i] = 0;
      }
    }
    weightedSum(deltas, weights, out);
  },
  dare_linear_svd(deltas, weights, out) {
    dareAll(deltas);
    weightedSum(deltas, weights, out);
  },
  dare_ties_svd(deltas, weights, out) {
    dareAll(deltas);
    agreeingMean(deltas, weights, "total", "peft", out);
  },
  della(deltas, weights, out) {
    const columns = 40;
    for (const [t, delta] of deltas.entries()) {
      for (let start = 0; start < delta.length; start += columns) {
        const row = delta.slice(start, start + columns);
        const order = [...row.keys()].sort((x, y) => Math.abs(row[x]!) - Math.abs(row[y]!));
        for (const [i, x] of order.entries()) {
          const kept = 0.5 - 0.1 * (0.5 - i / (columns - 1));
          delta[start + x] = bernoulliMask(0, 2, kept)(t, start + x) ? row[x]! / kept : 0;
        }
      }
    }
    agreeingMean(deltas, weights, "total", "peft", out);
  },
};

function dareAll(deltas: readonly Float32Array[]): void {
  const mask = bernoulliMask(0, 2, 0.5);
  for (const [t, delta] of deltas.entries()) {
    for (let i = 0; i < delta.length; i++) delta[i] = mask(t, i) ? delta[i]! / 0.5 : 0;
  }
}

/** What WHOLE gives for adapters: the singular values, and the best delta of rank k. */
function wholeMerge(id: string, adapters: readonly Factors[], k: number) {
  const deltas = adapters
    .map((adapter) => ({ weight: adapter.weight ?? 1, delta: Float32Array.from(factorsDelta(adapter).flat()) }))
    .sort((one, other) => one.delta[0]! - other.delta[0]!);
  const out = new Float32Array(deltas[0]!.delta.length);
  WHOLE[id]!(
    deltas.map(({ delta }) => delta),
    deltas.map(({ weight }) => weight),
    out,
  );
  const columns = adapters[0]!.A[0]!.length;
  const svd = new SingularValueDecomposition(Matrix.from1DArray(out.length / columns, columns, [...out]), {
    autoTranspose: true,
  });
  const [u, v] = [svd.leftSingularVectors, svd.rightSingularVectors];
  const delta = Array.from({ length: out.length / columns }, (_, o) =>
    Array.from({ length: columns }, (_, x) =>
      svd.diagonal.slice(0, k).reduce((sum, value, j) => sum + value * u.get(o, j) * v.get(x, j), 0),
    ),
  );
  const squares = svd.diagonal.map((value) => value * value);
  const total = squares.reduce((sum, value) => sum + value, 0);
  const lost = squares.slice(k).reduce((sum, value) => sum + value, 0);
  return { delta, residual: Math.sqrt(lost / total) };
}

describe.each(Object.keys(WHOLE))("%s against whole matrices", (id) => {
  it.each([
    [40, 30],
    [40, 50],
  ])("is their truncated SVD for small modules (%i -> %i, 1e-5)", async (inputs, out) => {
    const adapters = [2, 5, 3].map((rank, t) => randomAdapter(t + 1, rank, inputs, out, [1, -0.5, 2][t]));
    const expected = wholeMerge(id, adapters, 4);
    const { delta, residual, rows } = await merge(id, adapters, 4);
    expect(rows.count).toBe(4);
    expect(relativeDifference(delta, expected.delta)).toBeLessThan(1e-5);
    expect(residual).toBeCloseTo(expected.residual, 6);
  });
});

describe("the range finder", () => {
  it.each([
    [160, 150],
    [150, 160],
  ])("loses less than 1%% more than the best cut, and says what it loses (%i -> %i)", async (inputs, out) => {
    const adapters = [4, 6].map((rank, t) => randomAdapter(t + 1, rank, inputs, out));
    for (const id of ["ties_svd", "dare_linear_svd"]) {
      const { residual, delta } = await merge(id, adapters, 6);
      const best = wholeMerge(id, adapters, 150);
      const apart = delta.flatMap((row, o) => row.map((value, x) => (value - best.delta[o]![x]!) ** 2));
      const norm = best.delta.flat().reduce((sum, value) => sum + value * value, 0);
      const lost = Math.sqrt(apart.reduce((sum, value) => sum + value, 0) / norm);
      expect(residual).toBeCloseTo(lost, 5);
      expect(residual! / wholeMerge(id, adapters, 6).residual).toBeLessThan(1.01);
    }
  });

  it("finds a delta of low rank exactly, with no more units than it has (1e-6)", async () => {
    const adapter = randomAdapter(1, 5, 200, 150);
    const { delta, residual, rows } = await merge("ties_svd", [adapter], 20, { density: 1 });
    expect(rows.count).toBe(5);
    expect(relativeDifference(delta, factorsDelta(adapter))).toBeLessThan(1e-6);
    expect(residual).toBeLessThan(1e-5);
  });
});

describe.each(DENSE.map(({ id }) => id))("%s", (id) => {
  it("names far less memory than a dense delta takes", () => {
    const shape = { in: 8192, out: 8192, ranks: [16, 16, 16], rank: 16 };
    expect(methodById(id).scratchBytes!(shape)).toBeLessThan((4 * 8192 * 8192) / 16);
  });

  it("makes nothing of adapters without live units", async () => {
    const dead = { A: [[0, 0]], B: [[1], [1]] };
    const { rows } = await merge(id, [dead, dead], 1);
    expect(rows.count).toBe(0);
  });

  it("gives the same for the same seed, and other masks for another", async () => {
    const adapters = [randomAdapter(1, 3, 20, 10), randomAdapter(2, 3, 20, 10)];
    const rule = id === "knots" ? { rule: "dare_ties" } : {};
    const first = await merge(id, adapters, 3, rule);
    expect((await merge(id, adapters, 3, rule)).delta).toEqual(first.delta);
    if (!("seed" in (defaultsOf(methodById(id)) as object))) return;
    const other = await merge(id, adapters, 3, { ...rule, seed: 1 });
    expect(relativeDifference(other.delta, first.delta)).toBeGreaterThan(1e-2);
  });
});
