import { describe, expect, it, vi } from "vitest";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { referenceKernels } from "../../src/kernels/reference.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { HAND, poolOf } from "../support/pools.ts";

/** Kernels that count how often inner products are summed in f32 and in f64. */
function counted(kernels: Kernels) {
  const gram = vi.fn<Kernels["gram"]>((...args) => kernels.gram(...args));
  const gramF64 = vi.fn<Kernels["gramF64"]>((...args) => kernels.gramF64(...args));
  return { kernels: { ...kernels, gram, gramF64 }, gram, gramF64 };
}

describe.each([
  ["reference", referenceKernels],
  ["wasm", wasmKernels],
])("the inner products of a pool on the %s kernels", (_, makeKernels) => {
  it.each([
    [0.99e-15, true],
    [1.01e-15, false],
    [0.99e15, false],
    [1.01e15, true],
    [1e-30, true],
  ])(
    "are summed in f64 where a row's largest entry, %d, has a square that f32 holds badly: %s",
    async (value, again) => {
      const { kernels, gram, gramF64 } = counted(makeKernels());
      // The second unit is of an ordinary size; its halves and the other half of the first are summed in f32 alone.
      const pool = await poolOf(kernels, [
        {
          A: [
            [value, 0],
            [3, 4],
          ],
          B: [[1, 2]],
        },
      ]);
      expect([gram.mock.calls.length, gramF64.mock.calls.length]).toEqual([2, again ? 1 : 0]);
      const i = pool.ids.findIndex(([, unit]) => unit === 0);
      expect(pool.gramA[i * 2 + i]! / Math.fround(value) ** 2).toBeCloseTo(1, 6);
      expect(pool.gramA[(1 - i) * 3]).toBe(25);
    },
  );

  it("are summed in f64 at once in a precise pool, and in f32 beside units of zeros", async () => {
    const precise = counted(makeKernels());
    await poolOf(precise.kernels, [{ A: [[1e-30, 0]], B: [[1]] }], true);
    expect([precise.gram.mock.calls.length, precise.gramF64.mock.calls.length]).toEqual([0, 2]);
    const dead = counted(makeKernels());
    const pool = await poolOf(dead.kernels, [
      {
        A: [
          [0, 0],
          [3, 4],
        ],
        B: [[1, 2]],
      },
    ]);
    expect([dead.gram.mock.calls.length, dead.gramF64.mock.calls.length]).toEqual([2, 0]);
    expect([pool.count, pool.same.length, pool.dead]).toEqual([1, 1, [[0, 0]]]);
  });
});

describe("rows of a pool", () => {
  it.each([null, 1])("are found by columns, and copied by units (slab %s)", async (slab) => {
    const pool = await poolOf(wasmKernels(), HAND, false, slab);
    expect([...(await pool.entries("a", Int32Array.of(1, 0)))]).toEqual([1, -1, 3, 0, 2, 1]);
    expect([...(await pool.entries("b", Int32Array.of(1)))]).toEqual([0, -1, 2]);
    expect((await pool.entries("a", new Int32Array(0))).length).toBe(0);
    const { count, a, b } = await pool.copy([2, 0]);
    expect([count, [...a], [...b]]).toEqual([2, [1, 2, -1, 1], [1, 2, 4, 0]]);
  });

  it("take no memory after `freely`, whether it ends well or not", async () => {
    const wide = Array.from({ length: 9000 }, (_, i) => i % 7);
    const pool = await poolOf(wasmKernels(), [{ A: [wide], B: [[2]] }]);
    const own = { members: [0], a: [3], b: [1] };
    for (let round = 0; round < 20; round++) {
      const most = await pool.freely(async () => {
        const { a, b } = await pool.combine([own]);
        return [Math.max(...a), ...b];
      });
      expect(most).toEqual([18, 2]);
      await expect(pool.freely(() => Promise.reject(new Error(`${pool.emptyRows(1).count}`)))).rejects.toThrow("1");
    }
    const { a } = await pool.combine([own]);
    expect(a[6]).toBe(18);
  });
});
