import { Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { defaultsOf } from "../../src/methods/method.ts";
import { METHODS } from "../../src/methods/registry.ts";
import { denseSvd, rebuilt } from "../support/dense.ts";
import { randomFactors } from "../support/factors.ts";
import { mergeFactors } from "../support/merge-factors.ts";
import { type Factors, factorsDelta } from "../support/pools.ts";

const kernels = wasmKernels();
const RANK = 4;

/** What a method makes of adapters, at its default rank; elementwise methods at density 1 unless told otherwise. */
async function merged(id: string, adapters: readonly Factors[], options: object = { density: 1 }): Promise<Matrix> {
  const method = METHODS.find((known) => known.id === id)!;
  const known = "density" in (defaultsOf(method) as object) ? options : {};
  return new Matrix(
    await mergeFactors(kernels, id, adapters, method.defaultTarget(RANK, [adapters.map(() => RANK)]), known),
  );
}

const delta = (adapter: Factors): Matrix => new Matrix(factorsDelta(adapter));
const negated = (adapter: Factors): Factors => ({ ...adapter, B: adapter.B.map((row) => row.map((x) => -x)) });
const absolute = (rows: Factors["B"]): number[][] => rows.map((row) => row.map(Math.abs));
const apart = (one: Matrix, other: Matrix): number => Matrix.sub(one, other).norm() / Math.max(other.norm(), 1);

/** Four units of an adapter, some of them made of others, in words. */
function poolsOfLowRank(): Record<string, Factors> {
  const whole = randomFactors(3, RANK, 1.7);
  const [p, q] = whole.A as [number[], number[], ...number[][]];
  const zero = p.map(() => 0);
  return {
    "full rank": whole,
    "one row four times": { ...whole, A: [p, p, p, p] },
    "rows that are sums of others": { ...whole, A: [p, q, p.map((x, i) => x + q[i]!), q] },
    "columns that are multiples of one": { ...whole, B: whole.B.map(([b]) => [b!, 2 * b!, -b!, b! / 3]) },
    "dead units": { ...whole, A: [p, zero, q, p], B: whole.B.map(([b, c, , d]) => [b!, c!, 0, d!]) },
    "units of every size": {
      ...whole,
      A: whole.A.map((row, r) => row.map((x) => x * 2 ** (20 * r - 30))),
      B: whole.B.map((row) => row.map((x, r) => x * 2 ** (30 - 20 * r))),
    },
  };
}

/** The same units, cancelling in pairs: every one is alive and the delta is zero. */
function cancelling(): Factors {
  const { A, B, scale } = randomFactors(4, RANK, 1.7);
  return { scale, A: [A[0]!, A[0]!, A[1]!, A[1]!], B: B.map(([b, c]) => [b!, -b!, c!, -c!]) };
}

/** f(sigma) instead of the singular values of D. */
function respectrum(of: Matrix, change: (sigma: readonly number[]) => number[]): Matrix {
  const { u, s, v } = denseSvd(of, RANK);
  return rebuilt({ u, s: change(s), v });
}

/** V and U S of D limited to the quantile 0.99 of their entries, each right vector's largest entry positive. */
function clamped(of: Matrix): Matrix {
  const { u, s, v } = denseSvd(of, RANK);
  const signs = s.map((_, j) =>
    Math.sign(v.getColumn(j).reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0)),
  );
  const [right, left] = [v, u].map((vectors) =>
    Matrix.mul(vectors, Matrix.ones(vectors.rows, 1).mmul(Matrix.rowVector(signs))),
  );
  left!.mulRowVector(s);
  const sorted = [...right!.to1DArray(), ...left!.to1DArray()].sort((one, other) => one - other);
  const place = 0.99 * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  const limit = below + (place % 1) * (above - below);
  const limited = (matrix: Matrix): Matrix =>
    new Matrix(matrix.to2DArray().map((row) => row.map((x) => Math.min(limit, Math.max(-limit, x)))));
  return limited(left!).mmul(limited(right!).transpose());
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const total = (values: readonly number[]): number => mean(values) * values.length;

/** D, as often as `times` says. */
const multiple =
  (times: number) =>
  (of: Matrix): Matrix =>
    Matrix.mul(of, times);

/** What the same adapter twice gives, by each method's definition. */
const TWICE: Readonly<Record<string, (of: Matrix, live: number) => Matrix>> = {
  ...Object.fromEntries(
    ["cat", "svd", "task_arithmetic", "magnitude_prune_svd", "dare_linear_svd", "breadcrumbs", "della_linear"].map(
      (id) => [id, multiple(2)],
    ),
  ),
  // Both factors are summed, so that their product counts four times.
  ...Object.fromEntries(["linear", "magnitude_prune", "dare_linear", "robust_merge"].map((id) => [id, multiple(4)])),
  // Every unit is its own cluster where k is the number of all: 2 D sqrt(r / 2 r).
  lego: (of, live) => Matrix.mul(of, 2 * live > RANK ? 1 : Math.SQRT2),
  iso_c: (of) => respectrum(Matrix.mul(of, 2), (sigma) => sigma.map(() => mean(sigma))),
  iso_cts: (of) => respectrum(Matrix.mul(of, 2), (sigma) => sigma.map(() => mean(sigma))),
  svd_clamp: (of) => clamped(Matrix.mul(of, 2)),
  // Every direction is shared by both: the blocks on the diagonal hold half of each, and what agrees is averaged.
  dc_merge: (of) => respectrum(of, (sigma) => sigma.map(() => mean(sigma) / 2)),
  // No direction has more support than another, so none is common.
  ct_merge: (of) => respectrum(of, (sigma) => sigma.map(() => Math.sqrt(mean(sigma.map((value) => value ** 2))))),
  // p_j = sigma_j / sum sigma: every direction is shared by both, brought back to the norm of D.
  pico: (of) => {
    const shrunk = respectrum(of, (sigma) => sigma.map((value) => value / (1 + value / total(sigma))));
    return Matrix.mul(shrunk, of.norm() / shrunk.norm());
  },
};

const taking = (adapters: number) => METHODS.filter(({ needs }) => (needs.adapters ?? adapters) === adapters);
const ids = (methods: readonly { readonly id: string }[]): string[] => methods.map(({ id }) => id);

describe.each(Object.entries(poolsOfLowRank()))("adapters of %s", (_, adapter) => {
  it.each(ids(taking(1).filter(({ single }) => single !== "changes")))("%s gives one back (1e-5)", async (id) => {
    expect(apart(await merged(id, [adapter]), delta(adapter))).toBeLessThan(1e-5);
  });

  it.each(ids(taking(2)))("%s merges two that are the same as its definition says (1e-5)", async (id) => {
    const live = adapter.A.filter((row, r) => row.some((x) => x !== 0) && adapter.B.some((b) => b[r] !== 0)).length;
    const expected = (TWICE[id] ?? multiple(1))(delta(adapter), live);
    expect(apart(await merged(id, [adapter, adapter]), expected)).toBeLessThan(1e-5);
  });

  it.each(ids(METHODS))("%s stays finite beside others, whatever its density", async (id) => {
    const others = [randomFactors(5, RANK), randomFactors(6, RANK, -0.5)];
    const needed = METHODS.find((method) => method.id === id)!.needs.adapters ?? 3;
    for (const density of [0.01, 0.5, 1]) {
      const found = await merged(id, [adapter, ...others].slice(0, needed), { density });
      expect(found.to1DArray().every(Number.isFinite)).toBe(true);
    }
  });
});

describe("an adapter and its negative", () => {
  const adapter = randomFactors(3, RANK, 1.7);
  const both = [adapter, negated(adapter)];
  const D = delta(adapter);
  // Where two signs are even, zero counts as +: what is voted on becomes its absolute value.
  const votes = {
    ties: delta({ ...adapter, B: absolute(adapter.B) }),
    dare_ties: delta({ ...adapter, B: absolute(adapter.B) }),
    ...Object.fromEntries(
      ["ties_svd", "dare_ties_svd", "della", "breadcrumbs_ties", "sce"].map((id) => [
        id,
        rebuilt(denseSvd(Matrix.abs(D), RANK)),
      ]),
    ),
  };

  it.each(Object.entries(votes))("%s elects +", async (id, expected) => {
    expect(apart(await merged(id, both), expected)).toBeLessThan(1e-5);
  });

  it.each(["core_space", "ctm", "knots"])(
    "%s elects signs in a basis whose own are free: the norm stays",
    async (id) => {
      expect((await merged(id, both)).norm() / D.norm()).toBeCloseTo(1, 3);
    },
  );

  const rest = METHODS.filter(({ id }) => !["core_space", "ctm", "knots", "lego", ...Object.keys(votes)].includes(id));
  it.each(ids(rest))("%s cancels them, and brings no rounding back to size", async (id) => {
    expect((await merged(id, both)).norm() / D.norm()).toBeLessThan(1e-6);
  });

  it("lego clusters their units, and stays finite", async () => {
    expect((await merged("lego", both)).to1DArray().every(Number.isFinite)).toBe(true);
  });
});

describe("adapters of two units in modules of 64 x 64", () => {
  /** B is small, and its second column much smaller, as training leaves it. */
  const trained = (seed: number): Factors => {
    const { uniform } = seededRandom(seed);
    const rows = (count: number, length: number, size: (column: number) => number): number[][] =>
      Array.from({ length: count }, () => Array.from({ length }, (_, x) => Math.fround((uniform() - 0.5) * size(x))));
    return { A: rows(2, 64, () => 1), B: rows(64, 2, (column) => 0.05 / (1 + 10 * column)) };
  };
  const two = [trained(1), trained(2)];
  const dense = METHODS.filter(({ scratchBytes }) => scratchBytes !== undefined);

  it.each(ids(dense))("%s gives one back at density 1 (1e-5)", async (id) => {
    for (const one of two) {
      const found = new Matrix(await mergeFactors(kernels, id, [one], { kind: "rank", rank: 2 }, { density: 1 }));
      expect(Matrix.sub(found, delta(one)).norm() / delta(one).norm()).toBeLessThan(1e-5);
    }
  });

  const summing = ["magnitude_prune_svd", "dare_linear_svd", "breadcrumbs", "della_linear"];
  it.each(summing)("%s sums two at density 1 (1e-5)", async (id) => {
    const sum = Matrix.add(delta(two[0]!), delta(two[1]!));
    const found = new Matrix(await mergeFactors(kernels, id, two, { kind: "rank", rank: 4 }, { density: 1 }));
    expect(Matrix.sub(found, sum).norm() / sum.norm()).toBeLessThan(1e-5);
  });
});

describe("live units that cancel out", () => {
  const nothing = cancelling();
  const size = randomFactors(3, RANK, 1.7);

  it.each(ids(taking(1).filter(({ dependsOn }) => dependsOn === "delta")))("%s makes nothing of them", async (id) => {
    expect((await merged(id, [nothing])).norm()).toBeLessThan(1e-6);
  });

  // These count adapters, in their mean or in the directions that each may keep.
  const counting = ["average", "pico", "tsv", "slerp"];
  const seeing = METHODS.filter(({ id, dependsOn }) => dependsOn === "delta" && !counting.includes(id));
  it.each(ids(seeing))("%s does not see them beside another adapter (1e-5)", async (id) => {
    expect(apart(await merged(id, [size, nothing]), await merged(id, [size]))).toBeLessThan(1e-5);
  });

  it("no method makes anything but zero of adapters that are all dead", async () => {
    const dead = { ...size, B: size.B.map((row) => row.map(() => 0)) };
    for (const { id } of taking(2)) expect((await merged(id, [dead, dead])).norm()).toBe(0);
  });
});

describe("adapters that share no input and no output", () => {
  const half = (first: boolean): Factors => {
    const { A, B, scale } = randomFactors(first ? 3 : 4, RANK, 1.7);
    const mine = (at: number, length: number): boolean => at < length / 2 === first;
    return {
      scale,
      A: A.map((row) => row.map((x, i) => (mine(i, 13) ? x : 0))),
      B: B.map((row, o) => row.map((x) => (mine(o, 9) ? x : 0))),
    };
  };
  const both = [half(true), half(false)];

  it.each(["ties_svd", "dare_ties_svd", "della", "breadcrumbs_ties", "sce", "core_space", "knots", "ctm"])(
    "%s lets neither's rounding vote, nor count, where the other acts (1e-5)",
    async (id) => {
      const sum = Matrix.add(delta(both[0]!), delta(both[1]!));
      const found = await mergeFactors(kernels, id, both, { kind: "rank", rank: 2 * RANK }, { density: 1 });
      expect(apart(new Matrix(found), sum)).toBeLessThan(1e-5);
    },
  );
});

describe("a core of one entry", () => {
  it.each(["core_space", "ctm"])("%s keeps it at any density", async (id) => {
    const one = randomFactors(3, 1, 1.7);
    expect(apart(await merged(id, [one, one], { density: 0.5 }), delta(one))).toBeLessThan(1e-5);
  });
});
