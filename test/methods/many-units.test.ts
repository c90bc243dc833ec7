import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { deltaProducts, ownDeltaProducts, productOf } from "../../src/figures/delta.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { lego } from "../../src/methods/lego/lego.ts";
import { streamedPartition } from "../../src/methods/lego/many/partition.ts";
import { pointsOf } from "../../src/methods/lego/many/points.ts";
import { type LegoOptions, PAPER } from "../../src/methods/lego/options.ts";
import type { Method } from "../../src/methods/method.ts";
import { METHODS } from "../../src/methods/registry.ts";
import { adaptersInOrder, compareIds } from "../../src/methods/unit-order.ts";
import { randomFactors } from "../support/factors.ts";
import { mergePool } from "../support/merge-factors.ts";
import { deltaOf, type Factors, poolOf, relativeDifference } from "../support/pools.ts";
import { mergeStreamed } from "../support/streamed.ts";

const kernels = wasmKernels();
const LEGO = lego as Method;

/** Kernels with 16 MB more than a method names, for what tests do afterwards. */
function roomy(): Kernels {
  const own = wasmKernels();
  return { ...own, reset: (bytes) => own.reset(bytes + 2 ** 24) };
}

/** The result of a method by the matrices of all pairs, and without them. */
async function bothWays(method: Method, adapters: readonly Factors[], rank: number, options: object = {}) {
  const full = { ...(method === LEGO ? PAPER : {}), ...options };
  const pool = await poolOf(kernels, adapters, method.precise(full), null, 2 ** 21);
  const exact = await mergePool(pool, method, adapters, rank, options);
  const exactDelta = deltaOf(exact.rows, pool.in, pool.out);
  const streamed = await mergeStreamed(method, adapters, rank, options);
  const delta = deltaOf(streamed.rows, pool.in, pool.out);
  return {
    exact: { ...exact.merged, delta: exactDelta },
    streamed: { ...streamed.merged, delta },
    apart: relativeDifference(delta, exactDelta),
  };
}

/** Adapters of `rank` units each around common directions, at a distance of about `noise`. */
function grouped(adapters: number, rank: number, groups: number, noise: number, seed = 1): Factors[] {
  const random = seededRandom(seed);
  const row = (): number[] => Array.from({ length: 24 }, () => random.uniform() - 0.5);
  const centres = Array.from({ length: groups }, row);
  return Array.from({ length: adapters }, () => {
    const units = Array.from({ length: rank }, () => {
      const around = centres[random.below(groups)]!;
      return around.map((x) => Math.fround(x + noise * (random.uniform() - 0.5)));
    });
    return {
      A: units.map((unit) => unit.slice(0, 13)),
      B: Array.from({ length: 11 }, (_, o) => units.map((unit) => unit[13 + o]!)),
    };
  });
}

const RANDOM = [randomFactors(1, 5, 2), randomFactors(2, 5, -0.5, 3), randomFactors(3, 5)];

describe("without the matrices of all pairs", () => {
  const able = METHODS.filter(({ many }) => many !== undefined);
  it.each(able.map((method) => [method.id, method] as const))("%s gives what it gives with them", async (_, method) => {
    for (const rank of [1, 4]) expect((await bothWays(method, RANDOM, rank)).apart).toBeLessThan(2e-5);
  });

  it("the sum is cut to the nearest delta of larger modules too", async () => {
    const wide = (seed: number): Factors => {
      const random = seededRandom(seed);
      const matrix = (rows: number, columns: number, decay: (row: number) => number): number[][] =>
        Array.from({ length: rows }, (_, i) =>
          Array.from({ length: columns }, () => decay(i) * (random.uniform() - 0.5)),
        );
      const B = matrix(30, 160, (i) => 0.9 ** i);
      return { A: matrix(30, 150, (i) => 0.9 ** i), B: B[0]!.map((_, o) => B.map((row) => row[o]!)) };
    };
    const svd = METHODS.find(({ id }) => id === "svd")!;
    expect((await bothWays(svd, [wide(1), wide(2), wide(3)], 6)).apart).toBeLessThan(1e-3);
  });

  it("norms and products of the result are the same, and those of two adapters are not known", async () => {
    const pool = await poolOf(kernels, RANDOM, true);
    const { rows } = await mergePool(pool, LEGO, RANDOM, 4);
    const exact = deltaProducts(pool, await pool.products(rows), 3, 2);
    const { pool: streamed, rows: same } = await mergeStreamed(LEGO, RANDOM, 4, {}, wasmKernels());
    const own = new Map(adaptersInOrder(streamed).map(({ input, units }) => [input, streamed.ownGrams(units)]));
    const found = ownDeltaProducts(streamed, own, await streamed.products(same), 3, 2);
    expect(found.merged).toBeCloseTo(exact.merged, 4);
    for (const [t, cross] of found.cross.entries()) expect(cross).toBeCloseTo(exact.cross[t]!, 4);
    for (const t of [0, 1, 2]) expect(productOf(found, t, t)).toBeCloseTo(productOf(exact, t, t), 4);
    for (const [t, u] of [
      [0, 1],
      [2, 0],
      [1, 2],
    ] as const)
      expect(productOf(found, t, u)).toBeNaN();
  });
});

describe("lego without the matrices of all pairs", () => {
  const CHOICES: Partial<LegoOptions>[] = [
    { gauge: "balanced" },
    { sign: "canonical" },
    { sign: "line" },
    { metric: "cosine", gauge: "balanced" },
    { reweight: "l2", outputReweight: false },
    { reweight: "delta", sign: "line" },
    { reweight: "none" },
    { decorrelate: 0.5, outputNorm: "mean" },
  ];
  it.each(CHOICES.map((options) => [JSON.stringify(options), options] as const))("takes %s", async (_, options) => {
    for (const rank of [1, 4, 15, 20]) {
      const { exact, streamed, apart } = await bothWays(LEGO, RANDOM, rank, options);
      expect(apart).toBeLessThan(2e-5);
      expect(streamed.clusters!.map(({ members }) => members)).toEqual(exact.clusters!.map(({ members }) => members));
      expect(streamed.inertia).toBeCloseTo(exact.inertia!, 4);
      expect(streamed.shareOfB).toBeCloseTo(exact.shareOfB!, 6);
    }
  });

  it("counts equal units once, with their weights, and leaves out those that are zero", async () => {
    const twin = { ...RANDOM[0]!, weight: 2 };
    const dead: Factors = { A: [Array(13).fill(0), RANDOM[2]!.A[0]!], B: RANDOM[2]!.B.map(([b]) => [b!, b!]) };
    const adapters = [RANDOM[0]!, twin, dead, RANDOM[1]!];
    for (const rank of [3, 9, 11, 17]) {
      const { exact, streamed, apart } = await bothWays(LEGO, adapters, rank);
      expect(apart).toBeLessThan(2e-5);
      expect(streamed.clusters).toHaveLength(exact.clusters!.length);
    }
  });

  it("writes null for members that cancel", async () => {
    const one = randomFactors(7, 1);
    const minus = { A: [one.A[0]!.map((x) => -x)], B: one.B.map(([b]) => [-b!]) };
    const { streamed } = await bothWays(LEGO, [one, minus], 1);
    expect(streamed.clusters![0]!.reweight).toBeNull();
    expect(streamed.delta.flat().every((value) => value === 0)).toBe(true);
  });
});

describe("lego on more units than are searched at once", () => {
  const LIMITS = { chunk: 64, searched: 128 };

  /** The partition of adapters' units in chunks of 64, as the members of each cluster, and its objective. */
  async function inChunks(adapters: readonly Factors[], k: number, options: Partial<LegoOptions> = {}) {
    const { pool } = await mergeStreamed(LEGO, adapters, 1, options, roomy());
    const all = { ...PAPER, ...options };
    const points = await pointsOf(pool, all, 1, false);
    const { labels, inertia } = await streamedPartition(pool, points, k, all, LIMITS);
    const clusters = Array.from({ length: k }, (_, c) =>
      pool.ids.filter((_, i) => labels[points.pointOf[i]!] === c).toSorted(compareIds),
    );
    return { clusters: clusters.toSorted((one, other) => compareIds(one[0]!, other[0]!)), inertia };
  }

  async function exactly(adapters: readonly Factors[], k: number, options: Partial<LegoOptions> = {}) {
    const pool = await poolOf(kernels, adapters);
    const { merged } = await mergePool(pool, LEGO, adapters, k, options);
    const clusters = merged.clusters!.map(({ members }) => members);
    return { clusters: clusters.toSorted((one, other) => compareIds(one[0]!, other[0]!)), inertia: merged.inertia! };
  }

  it.each(["none", "line"] as const)(
    "finds clusters that are well apart, as the exact search does (sign %s)",
    async (sign) => {
      const adapters = grouped(10, 40, 12, 0.05);
      const [found, exact] = [await inChunks(adapters, 12, { sign }), await exactly(adapters, 12, { sign })];
      expect(found.clusters).toEqual(exact.clusters);
      expect(found.inertia).toBeCloseTo(exact.inertia, 3);
    },
  );

  it("comes within 2% of the exact search's objective where they are not, over ten pools", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const adapters = grouped(12, 40, 30, 1, seed);
      const [found, exact] = [await inChunks(adapters, 10), await exactly(adapters, 10)];
      expect(found.inertia).toBeLessThan(1.02 * exact.inertia);
    }
  });

  it.each([1, 2, 129, 300, 399, 400])("makes %i clusters of 400 units, none empty", async (k) => {
    const { clusters } = await inChunks(grouped(10, 40, 40, 0.6), k);
    expect(clusters).toHaveLength(k);
    expect(clusters.every(({ length }) => length > 0)).toBe(true);
    expect(clusters.flat()).toHaveLength(400);
  });

  it("does not depend on the order of the adapters", async () => {
    const adapters = grouped(11, 30, 40, 0.6);
    const [one, other] = [await inChunks(adapters, 8), await inChunks(adapters.toReversed(), 8)];
    expect(other.inertia).toBe(one.inertia);
    const renamed = other.clusters.map((members) => members.map(([t, i]) => [10 - t, i] as const).toSorted(compareIds));
    expect(renamed.toSorted((p, q) => compareIds(p[0]!, q[0]!))).toEqual(one.clusters);
  });
});
