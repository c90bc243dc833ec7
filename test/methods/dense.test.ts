import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { agreeingMean, weightedSum } from "../../src/methods/elementwise/consensus.ts";
import { bernoulliMask } from "../../src/methods/elementwise/draws.ts";
import { largestOf, pruneByMagnitude } from "../../src/methods/elementwise/sparsify.ts";
import { defaultsOf } from "../../src/methods/method.ts";
import { METHODS, methodById } from "../../src/methods/registry.ts";
import { mergeTightly } from "../support/dense-merge.ts";
import { type Factors, factorsDelta, relativeDifference } from "../support/pools.ts";

const DENSE = METHODS.filter(({ scratchBytes }) => scratchBytes !== undefined);

function randomAdapter(seed: number, rank: number, inputs: number, out: number, weight = 1): Factors {
  const random = seededRandom(seed);
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.fround(random.uniform() - 0.5)));
  return { A: matrix(rank, inputs), B: matrix(out, rank), weight };
}

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
    dropOutliers(deltas);
    weightedSum(deltas, weights, out);
  },
  breadcrumbs_ties(deltas, weights, out) {
    dropOutliers(deltas);
    agreeingMean(deltas, weights, "total", "peft", out);
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
    dropByRank(deltas);
    agreeingMean(deltas, weights, "total", "peft", out);
  },
  della_linear(deltas, weights, out) {
    dropByRank(deltas);
    weightedSum(deltas, weights, out);
  },
};

function dropOutliers(deltas: readonly Float32Array[]): void {
  for (const delta of deltas) {
    const top = Math.floor(0.01 * delta.length);
    const outliers = largestOf(delta, top);
    const kept = largestOf(delta, top + Math.floor(0.9 * delta.length));
    for (let i = 0; i < delta.length; i++) {
      const outlier = outliers.keeps(delta[i]!);
      if (!kept.keeps(delta[i]!) || outlier) delta[i] = 0;
    }
  }
}

function dropByRank(deltas: readonly Float32Array[]): void {
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
}

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
    const { delta, residual, rows } = await mergeTightly(id, adapters, 4);
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
      const { residual, delta } = await mergeTightly(id, adapters, 6);
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
    const { delta, residual, rows } = await mergeTightly("ties_svd", [adapter], 20, { density: 1 });
    expect(rows.count).toBe(5);
    expect(relativeDifference(delta, factorsDelta(adapter))).toBeLessThan(1e-6);
    expect(residual).toBeLessThan(1e-5);
  });
});

describe.each(DENSE.map(({ id }) => id))("%s", (id) => {
  it("names far less memory than a dense delta takes", () => {
    const shape = { in: 8192, out: 8192, ranks: [16, 16, 16], rank: 16 };
    expect(methodById(id).scratchBytes!(shape)).toBeLessThan((4 * 8192 * 8192) / 12);
  });

  it("makes nothing of adapters without live units", async () => {
    const dead = { A: [[0, 0]], B: [[1], [1]] };
    const { rows } = await mergeTightly(id, [dead, dead], 1);
    expect(rows.count).toBe(0);
  });

  it("gives the same for the same seed, and other masks for another", async () => {
    const adapters = [randomAdapter(1, 3, 20, 10), randomAdapter(2, 3, 20, 10)];
    const rule = id === "knots" ? { rule: "dare_ties" } : {};
    const first = await mergeTightly(id, adapters, 3, rule);
    expect((await mergeTightly(id, adapters, 3, rule)).delta).toEqual(first.delta);
    if (!("seed" in (defaultsOf(methodById(id)) as object))) return;
    const other = await mergeTightly(id, adapters, 3, { ...rule, seed: 1 });
    expect(relativeDifference(other.delta, first.delta)).toBeGreaterThan(1e-2);
  });
});
