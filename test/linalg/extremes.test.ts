import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { deltaFigures, deltaProducts, sumProducts } from "../../src/figures/delta.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { combinationProducts } from "../../src/linalg/combination.ts";
import { lego } from "../../src/methods/lego/lego.ts";
import type { LegoOptions } from "../../src/methods/lego/options.ts";
import { defaultsOf } from "../../src/methods/method.ts";
import { type Factors, poolOf } from "../support/pools.ts";

const OPTIONS: Partial<LegoOptions>[] = [
  {},
  { gauge: "balanced" },
  { gauge: "svd" },
  { sign: "line" },
  { metric: "cosine" },
  { metric: "manhattan" },
  { metric: "transport" },
  { centre: "rank1" },
  { reweight: "l2" },
];

function factors(seed: number, sizeA: number, sizeB: number): Factors {
  const random = seededRandom(seed);
  const matrix = (rows: number, columns: number, size: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => (random.uniform() - 0.5) * size));
  return { A: matrix(4, 13, sizeA), B: matrix(9, 4, sizeB) };
}

describe.each([
  [1e20, 1],
  [1, 1e-25],
  [1e-25, 1e-25],
  [1e-20, 1e18],
  [1e30, 1e-30],
])("units of size %d in A and %d in B", (sizeA, sizeB) => {
  it.each(OPTIONS)("cluster as units of common size do, with finite figures: %j", async (given) => {
    const options = { ...defaultsOf(lego), ...given };
    const merge = async (a: number, b: number) => {
      const adapters = [factors(1, a, b), factors(2, a, b)];
      const pool = await poolOf(wasmKernels(), adapters, lego.precise(options));
      const merged = await lego.merge(pool, { rank: 3, options, inputs: 2, totalWeight: 2, firstInput: 0 });
      const products = deltaProducts(pool, combinationProducts(merged.combinations!, pool), 2, 1);
      return {
        clusters: merged.clusters!.map(({ members }) => members),
        figures: deltaFigures(products, sumProducts(products, [1, 1])),
      };
    };
    const { clusters, figures } = await merge(sizeA, sizeB);
    expect(clusters).toHaveLength(3);
    expect(clusters.flat()).toHaveLength(8);
    for (const figure of [figures.normRatio, figures.energy, ...figures.cosines]) expect(figure).toBeTypeOf("number");
    expect(figures.normRatio).toBeGreaterThan(0);
    // Where both halves have one size, only the unit of length differs from units of size 1.
    if (sizeA === sizeB) expect(clusters).toEqual((await merge(1, 1)).clusters);
  });
});
