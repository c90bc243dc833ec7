import { Matrix } from "ml-matrix";
import { beforeAll, describe, expect, it } from "vitest";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import type { ModuleTarget } from "../../src/methods/method.ts";
import { METHODS } from "../../src/methods/registry.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { denseSum, denseSvd, rebuilt } from "../support/dense.ts";
import { randomFactors } from "../support/factors.ts";
import { mergeFactors } from "../support/merge-factors.ts";
import { decodeAdapter, openPico, randomAdapter } from "../support/pico.ts";
import { type Factors, factorsDelta, relativeDifference } from "../support/pools.ts";

let kernels: Kernels;
beforeAll(() => {
  kernels = wasmKernels();
});

const FULL: ModuleTarget = { kind: "full" };
const calibrated = (id: string, adapters: readonly Factors[], target: ModuleTarget = FULL) =>
  mergeFactors(kernels, id, adapters, target, {}, "svc");

/** value e_o e_i^T, in 2 x 2. */
const axis = (o: number, i: number, value: number): Factors => ({
  A: [[0, 1].map((x) => (x === i ? 1 : 0))],
  B: [0, 1].map((x) => [x === o ? value : 0]),
});

describe("svc", () => {
  it("weakens a direction that two tasks share, and strengthens what is one task's own (worked by hand)", async () => {
    // Sum 6 e_0 e_0^T: p = 6 * 4 / 16 = 1.5 and 6 * 2 / 4 = 3, so 6 * 2 / 4.5.
    expect((await calibrated("cat", [axis(0, 0, 4), axis(0, 0, 2)]))[0]![0]).toBeCloseTo(12 / 4.5, 6);
    // At right angles: p = 1 for the task itself, max(1/2, 0) for the other: times 2 / 1.5.
    const apart = await calibrated("cat", [axis(0, 0, 4), axis(1, 1, 3)]);
    const expected = [
      [4 / 0.75, 0],
      [0, 4],
    ];
    expect(relativeDifference(apart, expected)).toBeLessThan(1e-6);
  });

  it("leaves one adapter as it is (1e-6)", async () => {
    const one = randomFactors(3, 5, 1.7);
    expect(relativeDifference(await calibrated("svd", [one]), factorsDelta(one))).toBeLessThan(1e-6);
  });

  it("is the formula on dense matrices, after a sum that is cut or not (1e-5)", async () => {
    const adapters = [randomFactors(1, 2, 2, 0.7), randomFactors(2, 3, -0.5, 1.1), randomFactors(3, 2, 1, 0.4)];
    const deltas = adapters.map((one) => new Matrix(factorsDelta(one)));
    const sum = denseSum(
      deltas,
      adapters.map(({ weight }) => weight),
    );
    for (const k of [2, 5, 20]) {
      const { u, s, v } = denseSvd(sum, k);
      const rescaled = s.map((sigma, j) => {
        const row = u.getColumnVector(j).transpose();
        const projections = deltas.map((delta) => {
          const response = row.mmul(delta);
          return Matrix.mul(row.mmul(sum), response).sum() / response.norm("frobenius") ** 2;
        });
        return (sigma * 3) / projections.reduce((total, p) => total + Math.max(1 / 3, p), 0);
      });
      const expected = rebuilt({ u, s: rescaled, v }).to2DArray();
      expect(relativeDifference(await calibrated("svd", adapters, { kind: "rank", rank: k }), expected)).toBeLessThan(
        1e-5,
      );
    }
  });

  it.each(METHODS.map(({ id }) => id))(
    "follows %s whatever the order of the adapters, and the report says so",
    async (method) => {
      const needed = METHODS.find(({ id }) => id === method)!.needs.adapters ?? 3;
      const adapters = await Promise.all(
        // By these seeds deltas agree on the whole in some modules; model_stock makes nothing of others.
        Array.from({ length: needed }, (_, t) => openPico(`a${t}`, randomAdapter(t + 1, { rank: 3 }))),
      );
      const plain = await mergeInMemory(adapters, { method } as Recipe);
      const after = await mergeInMemory(adapters, { method, after: "svc" } as Recipe);
      const turned = await mergeInMemory([...adapters].reverse(), { method, after: "svc" } as Recipe);
      const deltaOf = ({ config, weights }: typeof plain): number[] =>
        Array.from(decodeAdapter(JSON.stringify(config), weights).modules.values(), ({ delta }) => [...delta]).flat();
      expect(deltaOf(after)).not.toEqual(deltaOf(plain));
      expect(deltaOf(after).every(Number.isFinite)).toBe(true);
      // cat keeps the order of the inputs, and so sums in it.
      if (method !== "cat") expect(turned.weights).toEqual(after.weights);
      expect(after.report.options.after).toBe("svc");
      expect(plain.report.options).not.toHaveProperty("after");
    },
  );
});
