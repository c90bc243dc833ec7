import { describe, expect, it } from "vitest";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { cutModule, writtenRows } from "../../src/methods/finish.ts";
import { methodById } from "../../src/methods/registry.ts";
import { energyRank, resolveRank } from "../../src/methods/resolve-rank.ts";
import { deltaOf, type Factors, poolOf, relativeDifference } from "../support/pools.ts";

/** D_0 = 5 e_0 e_0^T + 2 e_1 e_1^T (its second unit stored as e_1 and 2 e_1), D_1 = 3 e_2 e_2^T: singular values 5, 3, 2. */
const ADAPTERS: readonly Factors[] = [
  {
    A: [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
    ],
    B: [
      [5, 0],
      [0, 2],
      [0, 0],
    ],
  },
  { A: [[0, 0, 3, 0]], B: [[0], [0], [1]] },
];
const REQUEST = { options: {}, inputs: 2, totalWeight: 2, firstInput: 0 };

async function summed() {
  const pool = await poolOf(wasmKernels(), ADAPTERS, true);
  return { pool, merged: await methodById("svd").merge(pool, { ...REQUEST, rank: 2 }) };
}

async function finished(...[pool, merged, k]: Parameters<typeof cutModule>) {
  const cut = await cutModule(pool, merged, k);
  return { ...cut, rows: await writtenRows(pool, cut) };
}

describe("a merged module", () => {
  it("cuts a sum to its leading singular units (worked by hand)", async () => {
    const { pool, merged } = await summed();
    const { rows, products } = await finished(pool, merged, 2);
    expect(rows.count).toBe(2);
    const expected = [
      [5, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 0, 3, 0],
    ];
    expect(relativeDifference(deltaOf(rows, 4, 3), expected)).toBeLessThan(1e-6);
    // Each unit is split evenly: |a|^2 = |b|^2 = sigma.
    expect(products.amongA[0]).toBeCloseTo(5, 6);
    expect(products.amongB[3]).toBeCloseTo(3, 6);
  });

  it("leaves alone what has k units or fewer", async () => {
    const { pool, merged } = await summed();
    const { rows } = await finished(pool, merged, 3);
    // The units as they are stored, adapter by adapter.
    expect([...rows.a.subarray(0, 4)].filter((x) => x !== 0)).toHaveLength(1);
    expect([...rows.b].map(Math.abs).sort()).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 5]);
  });

  it("cuts rows that are no combinations to the same delta, with the same products", async () => {
    const { pool, merged } = await summed();
    const rows = await pool.combine(merged.combinations!);
    const fromRows = await finished(pool, { combinations: null, rows }, 2);
    const fromCombinations = await finished(pool, merged, 2);
    expect(relativeDifference(deltaOf(fromRows.rows, 4, 3), deltaOf(fromCombinations.rows, 4, 3))).toBeLessThan(1e-6);
    const delta = (p: typeof fromRows.products): number[] =>
      Array.from({ length: pool.count }, (_, i) =>
        [0, 1].reduce((sum, c) => sum + p.withPoolA[c * pool.count + i]! * p.withPoolB[c * pool.count + i]!, 0),
      );
    for (const [i, value] of delta(fromCombinations.products).entries()) {
      expect(delta(fromRows.products)[i]).toBeCloseTo(value, 5);
    }
  });
});

describe("units of which only a is written", () => {
  const halfRows = async () => {
    const pool = await poolOf(wasmKernels(), ADAPTERS, true);
    const a = pool.kernels.f32(2 * 4);
    a.set([1, 0, 2, 0, 0, 3, 0, 0]);
    const b = [Float64Array.of(1, 0, 2), Float64Array.of(0, -1, 1)];
    return { pool, merged: { combinations: null, rows: null, halfRows: { a, b } } };
  };
  const asRows = async () => {
    const { pool, merged } = await halfRows();
    const members = [0, 1, 2];
    const { b } = await pool.combine(merged.halfRows.b.map((own) => ({ members, a: own, b: own })));
    return { pool, merged: { combinations: null, rows: { count: 2, a: merged.halfRows.a, b } } };
  };

  it.each([
    ["cut", 1, null],
    ["kept whole", 2, null],
    ["cut after another step", 1, "svc"],
  ] as const)("are the same as rows when they are %s", async (_, k, after) => {
    const half = await halfRows();
    const full = await asRows();
    const found = await cutModule(half.pool, half.merged, k, after);
    const expected = await cutModule(full.pool, full.merged, k, after);
    expect(found.rows!.count).toBe(k);
    expect(relativeDifference(deltaOf(found.rows!, 4, 3), deltaOf(expected.rows!, 4, 3))).toBeLessThan(1e-6);
    expect(found.products.withPoolB.length).toBe(k * half.pool.count);
    for (const [i, value] of expected.products.withPoolB.entries()) {
      expect(Math.abs(found.products.withPoolB[i]!)).toBeCloseTo(Math.abs(value), 5);
    }
  });
});

describe("energyRank", () => {
  const sigma = [8, 4, 2, 1];
  it.each([
    // Above 8/2: only 8 itself; 4 is not above 4.
    ["sv_ratio", 2, 1],
    ["sv_ratio", 2.01, 2],
    ["sv_ratio", 1, 1],
    ["sv_ratio", 1000, 4],
    // Sum 15: 8, 12, 14, 15.
    ["sv_cumulative", 8 / 15, 1],
    ["sv_cumulative", 0.81, 3],
    ["sv_cumulative", 1, 4],
    // Squares 64, 80, 84, 85 of 85.
    ["sv_fro", Math.sqrt(64 / 85) - 1e-9, 1],
    ["sv_fro", 0.99, 3],
    ["sv_fro", 1, 4],
  ] as const)("keeps exactly enough by %s %d", (rule, threshold, k) => {
    expect(energyRank(sigma, { rule, threshold })).toBe(k);
  });

  it("is 1 for no singular values, or only zeros", () => {
    for (const rule of ["sv_ratio", "sv_cumulative", "sv_fro"] as const) {
      expect(energyRank([], { rule, threshold: 1 })).toBe(1);
      expect(energyRank([0, 0], { rule, threshold: 1 })).toBe(1);
    }
  });
});

describe("resolveRank", () => {
  it("looks at the weighted sum's singular values, and for clustering at the units' own", async () => {
    const pool = await poolOf(wasmKernels(), [ADAPTERS[0]!, { ...ADAPTERS[1]!, weight: 0.1 }], true);
    // 5, 2 and 0.3: above 5/10 are two.
    const target = { kind: "energy", rule: "sv_ratio", threshold: 10 } as const;
    expect(await resolveRank(pool, target, "svd")).toBe(2);
    // Units (e_0 | 5 e_0), (e_1 | 2 e_1), (3 e_2 | e_2): lengths sqrt 26, sqrt 5, sqrt 10, orthogonal.
    expect(await resolveRank(pool, target, "clusters")).toBe(3);
    expect(await resolveRank(pool, { ...target, threshold: 2 }, "clusters")).toBe(2);
  });

  it("takes ranks as they are, and shares of the live units", async () => {
    const pool = await poolOf(wasmKernels(), ADAPTERS);
    expect(await resolveRank(pool, { kind: "rank", rank: 7 }, "svd")).toBe(7);
    expect(await resolveRank(pool, { kind: "share", share: 0.5 }, "svd")).toBe(2);
    expect(await resolveRank(pool, { kind: "full" }, "svd")).toBe(Number.POSITIVE_INFINITY);
  });
});
