import { describe, expect, it } from "vitest";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { lego } from "../../src/methods/lego/lego.ts";
import { DELTAS, type LegoOptions, PAPER } from "../../src/methods/lego/options.ts";
import { randomFactors } from "../support/factors.ts";
import { mergeFactors, mergePool } from "../support/merge-factors.ts";
import { deltaOf, type Factors, factorsDelta, poolOf, relativeDifference } from "../support/pools.ts";

const kernels = wasmKernels();

/** An adapter of one unit, b a^T. */
const unit = (a: readonly number[], b: readonly number[]): Factors => ({ A: [a], B: b.map((x) => [x]) });

async function merge(adapters: readonly Factors[], rank: number, options: Partial<LegoOptions>) {
  const pool = await poolOf(kernels, adapters, lego.precise({ ...PAPER, ...options }));
  const { merged, rows } = await mergePool(pool, lego as never, adapters, rank, { ...PAPER, ...options });
  return { ...merged, delta: deltaOf(rows, pool.in, pool.out) };
}

const membersOf = ({ clusters }: Awaited<ReturnType<typeof merge>>) =>
  clusters!.map(({ members }) => members.map(([adapter]) => adapter)).toSorted();

describe("metric delta", () => {
  // The first two have the same delta (4, 0) in other factors; the third is near the first, but its delta is (-4, -1).
  const adapters = [unit([4, 0], [1]), unit([-1, 0], [-4]), unit([4, 1], [-1])];

  it("groups units of the same delta, however they are split and signed (worked by hand)", async () => {
    const merged = await merge(adapters, 2, { metric: "delta" });
    expect(membersOf(merged)).toEqual([[0, 1], [2]]);
    expect(merged.inertia).toBeCloseTo(0, 9);
    expect(membersOf(await merge(adapters, 2, {}))).toEqual([[0, 2], [1]]);
  });

  it("measures the squared distances of deltas (worked by hand)", async () => {
    // Mean of the three deltas (4/3, -1/3): squared distances 64/9 + 1/9, twice, and 256/9 + 4/9.
    expect((await merge(adapters, 1, { metric: "delta" })).inertia).toBeCloseTo(390 / 9, 9);
  });

  it("turns units to one side before it takes their mean", async () => {
    // (-1, 0 | -4) counts as (1, 0 | 4): mean (2.5, 0 | 2.5).
    const merged = await merge(adapters, 2, { metric: "delta", reweight: "none", outputReweight: false });
    expect(relativeDifference(merged.delta, [[6.25 - 4, -1]])).toBeLessThan(1e-6);
  });
});

describe("reweight delta", () => {
  it("gives the centre's delta the members' root mean square (worked by hand)", async () => {
    // Mean delta (1.5, 2) of (3, 0) and (0, 4), of norm 2.5; the members' root mean square is sqrt(12.5), sqrt 2 times that.
    const merged = await merge([unit([3, 0], [1]), unit([0, 2], [2])], 1, { centre: "rank1", reweight: "delta" });
    expect(relativeDifference(merged.delta, [[1.5 * Math.SQRT2, 2 * Math.SQRT2]])).toBeLessThan(1e-6);
    expect(merged.clusters![0]!.reweight).toBeCloseTo(2 ** 0.25, 9);
  });

  it("weighs the members", async () => {
    // Weights 3 and 1: mean delta (2.25, 1), root mean square sqrt((3 * 9 + 16) / 4).
    const adapters = [
      { ...unit([3, 0], [1]), weight: 3 },
      { ...unit([0, 2], [2]), weight: 1 },
    ];
    const { delta } = await merge(adapters, 1, { centre: "rank1", reweight: "delta" });
    const factor = Math.sqrt(43 / 4) / Math.hypot(2.25, 1);
    expect(relativeDifference(delta, [[2.25 * factor, factor]])).toBeLessThan(1e-6);
  });

  it("writes members that cancel as zero", async () => {
    const adapters = [unit([4, 0], [1]), unit([-4, 0], [1])];
    const { delta, clusters } = await merge(adapters, 1, { centre: "rank1", reweight: "delta" });
    expect(clusters![0]!.reweight).toBeNull();
    expect(delta).toEqual([[0, 0]]);
  });
});

describe("decorrelate", () => {
  const plain = { reweight: "none", outputReweight: false } as const;

  it("replaces directions by their polar factors at 1 (worked by hand)", async () => {
    // a-directions (1, 0) and (0.6, 0.8): cosine 0.6, so C^(-1/2) has 1.185854 and -0.395285; b-directions are orthogonal.
    // The polar factor of the two is (3, -1) / sqrt 10 and (1, 3) / sqrt 10; sizes 4 and 5 stay.
    const adapters = [unit([2, 0], [2, 0]), unit([2, 0], [2, 0]), unit([3, 4], [0, 1])];
    const { delta } = await merge(adapters, 2, { ...plain, decorrelate: 1 });
    const root = Math.sqrt(10);
    const expected = [
      [12 / root, -4 / root],
      [5 / root, 15 / root],
    ];
    expect(relativeDifference(delta, expected)).toBeLessThan(1e-6);
  });

  it("keeps the norm (worked by hand)", async () => {
    // Both halves have the cosine 0.6: the delta's square is 16 + 25 + 2 * 4 * 5 * 0.36, that of orthogonal directions 16 + 25.
    const adapters = [unit([2, 0], [2, 0]), unit([2, 0], [2, 0]), unit([3, 4], [0.6, 0.8])];
    const factor = Math.sqrt((41 + 14.4) / 41) / 10;
    const { delta } = await merge(adapters, 2, { ...plain, decorrelate: 1 });
    // 4 (3, -1) (3, -1)^T / 10 + 5 (1, 3) (1, 3)^T / 10
    const expected = [
      [(36 + 5) * factor, (-12 + 15) * factor],
      [(-12 + 15) * factor, (4 + 45) * factor],
    ];
    expect(relativeDifference(delta, expected)).toBeLessThan(1e-6);
  });

  it("goes part of the way between", async () => {
    const adapters = [1, 2, 3].map((seed) => randomFactors(seed, 5));
    const at = async (decorrelate: number) => (await merge(adapters, 6, { ...plain, decorrelate })).delta;
    const [none, little, half] = [await at(0), await at(1e-3), await at(0.5)];
    expect(relativeDifference(little, none)).toBeLessThan(5e-3);
    expect(relativeDifference(half, none)).toBeGreaterThan(0.05);
    expect(Math.hypot(...half.flat())).toBeCloseTo(Math.hypot(...none.flat()), 5);
  });

  it("leaves units alone where none are merged", async () => {
    const adapters = [randomFactors(1, 3), randomFactors(2, 2)];
    const [with1, without] = [await merge(adapters, 5, { decorrelate: 1 }), await merge(adapters, 5, {})];
    expect(with1.delta).toEqual(without.delta);
  });

  it("keeps a cancelled unit zero beside others", async () => {
    const adapters = [unit([4, 0], [1, 0]), unit([-4, 0], [1, 0]), unit([3, 40], [0, 9])];
    const options = { metric: "delta", centre: "rank1", reweight: "delta", outputReweight: false } as const;
    const { delta, clusters } = await merge(adapters, 2, { ...options, decorrelate: 1 });
    expect(clusters!.map(({ reweight }) => reweight)).toContain(null);
    expect(relativeDifference(delta, factorsDelta(adapters[2]!))).toBeLessThan(1e-6);
    // Nothing is left of the first two by themselves.
    expect((await merge(adapters.slice(0, 2), 1, { ...options, decorrelate: 1 })).delta.flat()).toEqual([0, 0, 0, 0]);
  });
});

describe("output norm mean", () => {
  it("brings the delta to the adapters' mean norm (worked by hand)", async () => {
    // Deltas (3, 0) and (0, 4), each its own cluster: norm 5, brought to 3.5.
    const merged = await merge([unit([3, 0], [1]), unit([0, 2], [2])], 2, { outputNorm: "mean" });
    expect(relativeDifference(merged.delta, [[2.1, 2.8]])).toBeLessThan(1e-6);
  });

  it("weighs the adapters, by their whole deltas", async () => {
    // Norms 5 (both units of one adapter) and 2, weights 1 and 3: (5 + 6) / 4.
    const two = {
      A: [
        [3, 0],
        [0, 4],
      ],
      B: [[1, 1]],
    };
    const { delta } = await merge([two, { ...unit([0, 2], [1]), weight: 3 }], 3, { outputNorm: "mean" });
    expect(Math.hypot(...delta.flat())).toBeCloseTo(11 / 4, 5);
  });

  it("does not count an adapter without live units, and keeps a zero zero", async () => {
    const dead = unit([0, 0], [1]);
    const { delta } = await merge([unit([3, 0], [1]), dead], 1, { outputNorm: "mean" });
    expect(relativeDifference(delta, [[3, 0]])).toBeLessThan(1e-6);
    const cancelled = await merge([unit([3, 0], [1]), unit([-3, 0], [1])], 1, { centre: "rank1", outputNorm: "mean" });
    expect(cancelled.delta).toEqual([[0, 0]]);
    // Six units that cancel but for rounding do not become noise of the adapters' size.
    const one = randomFactors(1, 3);
    const { delta: nothing } = await merge([one, { ...one, scale: -1 }], 6, { outputNorm: "mean" });
    expect(Math.hypot(...nothing.flat())).toBeLessThan(1e-5);
  });
});

describe.each<[string, Partial<LegoOptions>]>([
  ["metric delta", { metric: "delta" }],
  ["reweight delta", { reweight: "delta" }],
  ["output norm mean", { outputNorm: "mean" }],
  ["decorrelate 0.5", { decorrelate: 0.5 }],
  ["decorrelate 1", { decorrelate: 1 }],
  ["all of them", { metric: "delta", centre: "rank1", reweight: "delta", decorrelate: 0.5 }],
  ["the preset deltas", DELTAS],
])("%s", (_, options) => {
  const adapters = [randomFactors(1, 4, 2), randomFactors(2, 6, -0.5), randomFactors(3, 5)];
  const [first, ...others] = adapters as [Required<Factors>, ...Required<Factors>[]];
  const at = (inputs: readonly Factors[], rank: number) =>
    mergeFactors(kernels, "lego", inputs, { kind: "rank", rank }, { ...PAPER, ...options });

  it("leaves one adapter as it is at its own rank (1e-6)", async () => {
    expect(relativeDifference(await at([first], 4), factorsDelta(first))).toBeLessThan(1e-6);
  });

  it("does not depend on the order of adapters or units, or on dead units", async () => {
    const expected = await at(adapters, 6);
    expect(await at([...others, first], 6)).toEqual(expected);
    const order = [2, 0, 3, 1];
    const shuffled = { ...first, A: order.map((r) => first.A[r]!), B: first.B.map((row) => order.map((r) => row[r]!)) };
    expect(relativeDifference(await at([shuffled, ...others], 6), expected)).toBeLessThan(1e-6);
    const padded = { ...first, A: [...first.A, Array(13).fill(0)], B: first.B.map((row) => [...row, 1]) };
    expect(await at([padded, ...others], 6)).toEqual(expected);
  });

  it("takes weights relatively", async () => {
    const weighted = (factor: number) =>
      adapters.map((adapter, t) => ({ ...adapter, weight: factor * [0.25, 1.5, 1][t]! }));
    expect(relativeDifference(await at(weighted(2), 6), await at(weighted(1), 6))).toBeLessThan(1e-6);
  });
});

describe("metric delta, centre rank1 and reweight delta together", () => {
  const together = { ...PAPER, metric: "delta", centre: "rank1", reweight: "delta", decorrelate: 0.5 } as const;

  it("see neither the sign nor the split of a unit", async () => {
    const [one, other] = [randomFactors(1, 4), randomFactors(2, 6)];
    const factors = [3, -0.5, -1, 8];
    const resplit = {
      ...one,
      A: one.A.map((row, r) => row.map((x) => x * factors[r]!)),
      B: one.B.map((row) => row.map((x, r) => x / factors[r]!)),
    };
    const at = (first: Factors) => mergeFactors(kernels, "lego", [first, other], { kind: "rank", rank: 4 }, together);
    expect(relativeDifference(await at(resplit), await at(one))).toBeLessThan(1e-6);
  });
});

describe("the preset deltas", () => {
  const at = (adapters: readonly Factors[], rank: number) =>
    mergeFactors(kernels, "lego", adapters, { kind: "rank", rank }, DELTAS);

  it("depends on the deltas alone", async () => {
    const [one, other] = [randomFactors(1, 2, 1.5), randomFactors(2, 6)];
    // The same delta with A turned and stretched: A' = [[2, 1], [1, 1]] A and B' = B [[1, -1], [-1, 2]].
    const turned = {
      ...one,
      A: [one.A[0]!.map((x, i) => 2 * x + one.A[1]![i]!), one.A[0]!.map((x, i) => x + one.A[1]![i]!)],
      B: one.B.map(([x, y]) => [x! - y!, 2 * y! - x!]),
    };
    expect(relativeDifference(factorsDelta(turned), factorsDelta(one))).toBeLessThan(1e-6);
    expect(relativeDifference(await at([turned, other], 4), await at([one, other], 4))).toBeLessThan(1e-5);
  });

  it("gives the adapters' mean norm", async () => {
    const adapters = [randomFactors(1, 4, 2), randomFactors(2, 6, -0.5)];
    const norms = adapters.map((adapter) => Math.hypot(...factorsDelta(adapter).flat()));
    expect(Math.hypot(...(await at(adapters, 5)).flat())).toBeCloseTo((norms[0]! + norms[1]!) / 2, 4);
  });
});
