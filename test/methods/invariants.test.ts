import { beforeAll, describe, expect, it } from "vitest";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { lego } from "../../src/methods/lego/lego.ts";
import type { ModuleTarget } from "../../src/methods/method.ts";
import { defaultsOf } from "../../src/methods/method.ts";
import { mistakeIn } from "../../src/methods/parameters.ts";
import { METHODS, methodById } from "../../src/methods/registry.ts";
import { randomFactors } from "../support/factors.ts";
import { mergeFactors } from "../support/merge-factors.ts";
import { deltaOf, type Factors, factorsDelta, poolOf, relativeDifference } from "../support/pools.ts";

let kernels: Kernels;
beforeAll(() => {
  kernels = wasmKernels();
});

const mergedDelta = (id: string, adapters: readonly Factors[], target: ModuleTarget, options: object = {}) =>
  mergeFactors(kernels, id, adapters, target, options);

const sum = (deltas: readonly number[][][], weights: readonly number[]): number[][] =>
  deltas[0]!.map((row, o) =>
    row.map((_, i) => deltas.reduce((total, delta, t) => total + weights[t]! * delta[o]![i]!, 0)),
  );

const FULL: ModuleTarget = { kind: "full" };
const two = [randomFactors(1, 4, 2), randomFactors(2, 6, -0.5)];

describe.each(METHODS.map(({ id }) => id))("%s", (id) => {
  const method = methodById(id);
  const target = method.defaultTarget(6, [[6]]);
  // Adapters of any ranks and scales, as far as the method takes them.
  const ranks = method.needs.equalRanks ? [5, 5, 5] : [4, 6, 5];
  const adapters = [2, -0.5, 1]
    .slice(0, method.needs.adapters)
    .map((scale, t) => randomFactors(t + 1, ranks[t]!, scale));
  const [first, ...others] = adapters as [Required<Factors>, ...Required<Factors>[]];

  it("has defaults that its own parameters allow", () => {
    for (const [name, parameter] of Object.entries(method.parameters)) {
      expect(mistakeIn(parameter, parameter.default), name).toBeNull();
      expect(mistakeIn(parameter, Number.NaN), name).toMatch(/^must be /);
    }
    expect(Object.keys(defaultsOf(method) as object)).toEqual(Object.keys(method.parameters));
  });

  it("gives one adapter with weight 1 what its metadata says, at its own rank (1e-6)", async () => {
    if (method.needs.adapters !== undefined) return;
    const one = randomFactors(3, 5, 1.7);
    const options = method.single === "exact at density 1" ? { density: 1 } : {};
    const difference = relativeDifference(await mergedDelta(id, [one], target, options), factorsDelta(one));
    if (method.single === "changes") expect(difference).toBeGreaterThan(1e-3);
    else expect(difference).toBeLessThan(1e-6);
    if (method.single === "exact at density 1") {
      const sparse = await mergedDelta(id, [one], target, { density: 0.1 });
      expect(relativeDifference(sparse, factorsDelta(one))).toBeGreaterThan(1e-3);
    }
  });

  it("does not depend on the order of the adapters", async () => {
    const expected = await mergedDelta(id, adapters, target);
    const turned = await mergedDelta(id, [...others, first], target);
    if (id === "cat") expect(relativeDifference(turned, expected)).toBeLessThan(1e-6);
    else expect(turned).toEqual(expected);
  });

  it("does not depend on the order of units inside an adapter, where it sees only deltas or units", async () => {
    if (method.needs.equalRanks) return; // The i-th units of all adapters go together.
    const order = [2, 0, 3, 1];
    const shuffled = { ...first, A: order.map((r) => first.A[r]!), B: first.B.map((row) => order.map((r) => row[r]!)) };
    const expected = await mergedDelta(id, adapters, target);
    expect(relativeDifference(await mergedDelta(id, [shuffled, ...others], target), expected)).toBeLessThan(1e-6);
  });

  it("is not changed by an adapter of zeros or by dead units", async () => {
    const zero = { ...randomFactors(8, 5), B: Array.from({ length: 9 }, () => Array(5).fill(0)) };
    const expected = await mergedDelta(id, adapters, target);
    if (method.needs.adapters === undefined && id !== "average") {
      expect(await mergedDelta(id, [...adapters, zero], target)).toEqual(expected);
    }
    if (method.needs.equalRanks) return;
    const padded = { ...first, A: [...first.A, Array(13).fill(0)], B: first.B.map((row) => [...row, 1]) };
    expect(await mergedDelta(id, [padded, ...others], target)).toEqual(expected);
  });

  it("says of the delta what its metadata says", async () => {
    // The same delta in other factors: a times 3, b over 3.
    const rescaled = {
      ...first,
      A: first.A.map((row) => row.map((x) => 3 * x)),
      B: first.B.map((row) => row.map((x) => x / 3)),
    };
    const cut: ModuleTarget = { kind: "rank", rank: 3 };
    const expected = await mergedDelta(id, adapters, cut);
    const got = await mergedDelta(id, [rescaled, ...others], cut);
    if (method.dependsOn === "delta") expect(relativeDifference(got, expected)).toBeLessThan(1e-6);
    else expect(relativeDifference(got, expected)).toBeGreaterThan(1e-3);
  });

  it("comes out with the rank asked for at most, and with finite values", async () => {
    for (const rank of [1, 3, 64]) {
      const delta = await mergedDelta(id, adapters, { kind: "rank", rank });
      expect(delta.flat().every(Number.isFinite)).toBe(true);
    }
  });
});

describe("cat", () => {
  it("is the weighted sum of the deltas (1e-6), negative weights included", async () => {
    const weighted = [
      { ...two[0]!, weight: 0.7 },
      { ...two[1]!, weight: -1.3 },
    ];
    const expected = sum(two.map(factorsDelta), [0.7, -1.3]);
    expect(relativeDifference(await mergedDelta("cat", weighted, FULL), expected)).toBeLessThan(1e-6);
  });
});

describe("average", () => {
  it("is the weighted mean of the deltas (1e-6)", async () => {
    const weighted = [
      { ...two[0]!, weight: 3 },
      { ...two[1]!, weight: 1 },
    ];
    const expected = sum(two.map(factorsDelta), [0.75, 0.25]);
    expect(relativeDifference(await mergedDelta("average", weighted, FULL), expected)).toBeLessThan(1e-6);
  });
});

describe("lego", () => {
  const at = (rank: number): ModuleTarget => ({ kind: "rank", rank });

  it("merges two units into their mean, brought back to their norm (worked by hand)", async () => {
    // Units (a | b): (4, 0 | 2) and (2, 2 | 2). Mean (3, 1 | 2), largest entry 3; the members' are 4 and 2, mean 3: factor 1.
    // r = 1, k = 1: delta = 2 * (3, 1).
    const adapters = [
      { A: [[4, 0]], B: [[2]] },
      { A: [[2, 2]], B: [[2]] },
    ];
    const pool = await poolOf(kernels, adapters);
    const merged = await lego.merge(pool, {
      rank: 1,
      options: defaultsOf(lego),
      inputs: 2,
      totalWeight: 2,
      firstInput: 0,
    });
    expect(deltaOf(merged.rows!, 2, 1)).toEqual([[6, 2]]);
    expect(merged.clusters).toEqual([
      {
        members: [
          [0, 0],
          [1, 0],
        ],
        reweight: 1,
      },
    ]);
    // |(4,0,2) - (3,1,2)|^2 + |(2,2,2) - (3,1,2)|^2 = 2 + 2
    expect(merged.inertia).toBeCloseTo(4, 5);
  });

  it("gives the pool times sqrt(r / N) for k >= N", async () => {
    const expected = sum(two.map(factorsDelta), [Math.sqrt(5 / 10), Math.sqrt(5 / 10)]);
    expect(relativeDifference(await mergedDelta("lego", two, at(64)), expected)).toBeLessThan(1e-6);
  });

  it("takes weights relatively", async () => {
    const scaled = two.map((adapter, t) => ({ ...adapter, weight: [0.25, 1.5][t]! }));
    const doubled = scaled.map((adapter) => ({ ...adapter, weight: 2 * adapter.weight }));
    expect(
      relativeDifference(await mergedDelta("lego", doubled, at(4)), await mergedDelta("lego", scaled, at(4))),
    ).toBeLessThan(1e-6);
  });

  it.each(["balanced", "svd"] as const)("does not see how a delta is split in the gauge %s", async (gauge) => {
    const [one, other] = two as [Required<Factors>, Required<Factors>];
    const rescaled = {
      ...one,
      A: one.A.map((row) => row.map((x) => 4 * x)),
      B: one.B.map((row) => row.map((x) => x / 4)),
    };
    const options = { gauge, sign: "canonical" } as const;
    const got = await mergedDelta("lego", [rescaled, other], at(4), options);
    expect(relativeDifference(got, await mergedDelta("lego", two, at(4), options))).toBeLessThan(1e-4);
  });

  it.each(["canonical", "line"] as const)("does not see the sign of a unit with sign %s", async (sign) => {
    const [one, other] = two as [Required<Factors>, Required<Factors>];
    const flip = (rows: readonly (readonly number[])[]): number[][] => rows.map((row) => row.map((x) => -x));
    const flipped = { ...one, A: flip(one.A), B: flip(one.B) };
    const got = await mergedDelta("lego", [flipped, other], at(4), { sign });
    expect(relativeDifference(got, await mergedDelta("lego", two, at(4), { sign }))).toBeLessThan(1e-5);
  });

  it("keeps finite where everything is dead", async () => {
    const dead = {
      A: [
        [0, 0],
        [0, 0],
      ],
      B: [[1, 1]],
    };
    const pool = await poolOf(kernels, [dead]);
    const merged = await lego.merge(pool, {
      rank: 2,
      options: defaultsOf(lego),
      inputs: 1,
      totalWeight: 1,
      firstInput: 0,
    });
    expect(merged.rows!.count).toBe(0);
    expect(pool.dead).toEqual([
      [0, 0],
      [0, 1],
    ]);
  });
});
