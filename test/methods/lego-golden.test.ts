import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { deltaFigures, deltaProducts, sumProducts } from "../../src/figures/delta.ts";
import { referenceKernels } from "../../src/kernels/reference.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { combinationProducts } from "../../src/linalg/combination.ts";
import { lego } from "../../src/methods/lego/lego.ts";
import { type LegoOptions, PAPER } from "../../src/methods/lego/options.ts";
import { deltaOf, type Factors, poolOf, relativeDifference } from "../support/pools.ts";

interface GoldenCase {
  readonly name: string;
  readonly k: number;
  readonly options: Partial<LegoOptions>;
  readonly adapters: readonly Required<Factors>[];
  readonly expected: {
    readonly dead: readonly (readonly [number, number])[];
    readonly kEff: number;
    readonly clusters: readonly {
      readonly members: readonly (readonly number[])[];
      readonly reweight: number | null;
    }[];
    readonly inertia: number;
    readonly delta: readonly (readonly number[])[];
    readonly normRatio: number | null;
    readonly cosines: readonly (number | null)[];
    readonly energy: number | null;
  };
}

const golden = JSON.parse(readFileSync(new URL("../golden/lego.json", import.meta.url), "utf8")) as {
  cases: readonly GoldenCase[];
};
const TOLERANCE = 1e-5;

function expectNear(got: number | null, expected: number | null): void {
  if (expected === null || got === null) expect(got).toBe(expected);
  else expect(Math.abs(got - expected)).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(expected)));
}

for (const kernels of [wasmKernels(), referenceKernels()]) {
  describe(`lego with ${kernels.backend} kernels equals numpy's vectors (1e-5)`, () => {
    it.each(golden.cases)("$name", async ({ k, options: given, adapters, expected }) => {
      const options = { ...PAPER, ...given };
      const pool = await poolOf(kernels, adapters, lego.precise(options));
      const totalWeight = adapters.reduce((sum, { weight }) => sum + weight, 0);
      const inputs = adapters.filter(({ weight }) => weight !== 0).length;
      const merged = await lego.merge(pool, { rank: k, options, inputs, totalWeight, firstInput: 0 });

      const rows = merged.rows ?? (await pool.combine(merged.combinations!));
      expect(rows.count).toBe(expected.kEff);
      const key = ({ members }: { members: readonly (readonly number[])[] }): string => JSON.stringify(members);
      const clusters = new Map(merged.clusters!.map((cluster) => [key(cluster), cluster]));
      expect([...clusters.keys()].sort()).toEqual(expected.clusters.map(key).sort());
      for (const cluster of expected.clusters) expectNear(clusters.get(key(cluster))!.reweight, cluster.reweight);
      expectNear(merged.inertia!, expected.inertia);
      if (rows.count > 0) {
        expect(relativeDifference(deltaOf(rows, pool.in, pool.out), expected.delta)).toBeLessThan(TOLERANCE);
      }
      const products = deltaProducts(pool, combinationProducts(merged.combinations!, pool), adapters.length, 1);
      const weights = adapters.map(({ weight }) => weight);
      const figures = deltaFigures(products, sumProducts(products, weights));
      expectNear(figures.normRatio, expected.normRatio);
      expectNear(figures.energy, expected.energy);
      for (const [t, cosine] of expected.cosines.entries()) {
        if (adapters[t]!.weight !== 0) expectNear(figures.cosines[t]!, cosine);
      }
    });
  });
}
