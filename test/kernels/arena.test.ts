import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import { BACKENDS, combineOne, fresh, rowSums, widenAll } from "../support/kernels.ts";

describe.each(BACKENDS)("%s kernels", (_name, create) => {
  describe("arena", () => {
    it("hands out aligned views that do not overlap, anew after each reset", () => {
      const k = create();
      for (let round = 0; round < 2; round++) {
        k.reset(1000);
        const views = [k.bytes(3), k.f32(5), k.bytes(1), k.f64(3)];
        for (const view of views) expect(view.byteOffset % 16).toBe(0);
        for (const [i, view] of views.entries()) view.fill(i);
        expect(views.map((view, i) => view.every((x) => x === i))).toEqual([true, true, true, true]);
      }
    });

    it("holds views whose lengths add up to what reset was told, whatever their alignment", () => {
      const k = create();
      k.reset(100 * 17 + 70_000 * 4);
      for (let i = 0; i < 100; i++) k.bytes(17);
      expect(k.f32(70_000).length).toBe(70_000);
    });

    it("gives back what was taken since a checkpoint, and leaves what was taken before", () => {
      const kernels = create();
      kernels.reset(64);
      const kept = kernels.f32(4).fill(7);
      for (let round = 0; round < 5000; round++) {
        const release = kernels.checkpoint();
        kernels.f32(8).fill(round);
        release();
      }
      expect([...kept]).toEqual([7, 7, 7, 7]);
    });

    it("throws a RangeError when reset was told too little", () => {
      const k = create();
      expect(() => k.f32(1)).toThrow(RangeError);
      k.reset(100);
      expect(() => k.f64(10_000)).toThrow(/80000 are needed/);
    });

    it("throws a UsageError naming the bytes beyond 4 GB", () => {
      expect(() => create().reset(2 ** 32)).toThrow(UsageError);
      expect(() => create().reset(2 ** 32)).toThrow(/4294967296 bytes/);
    });

    it("throws a RangeError for views shorter than the kernel needs", () => {
      const k = fresh(create);
      const rows = k.f32(19);
      const out = k.f64(4);
      expect(() => k.gram(rows, 2, 10, 10, out)).toThrow(RangeError);
      expect(() => k.gram(rows, 2, 9, 10, out)).not.toThrow();
      expect(() => k.gramF64(rows, 2, 9, 9, out.subarray(1))).toThrow(RangeError);
      expect(() => k.manhattan(rows, 3, 1, 1, 1, out)).toThrow(RangeError);
      expect(() => widenAll(k, "BF16", k.bytes(37), rows, 1)).toThrow(RangeError);
      expect(() => k.widenTransposed("BF16", k.bytes(40), 4, 5, rows, 4, 1)).toThrow(RangeError);
      expect(() => k.narrow("F16", rows, k.bytes(37))).toThrow(RangeError);
      expect(() => k.narrowTransposed("F16", rows, 2, 10, 10, k.bytes(40))).toThrow(RangeError);
      expect(() => combineOne(k, rows, 10, [0, 1], [1, 1], k.f32(10))).toThrow(RangeError);
      const sums = rowSums(k, [
        [
          [0, 1],
          [1, 1],
        ],
      ]);
      expect(() => k.combine(rows, 9, 9, sums, k.f32(8), 9)).toThrow(RangeError);
      expect(() => k.combine(rows, 9, 9, { ...sums, coefficients: k.f32(1) }, k.f32(9), 9)).toThrow(RangeError);
      expect(() => k.combine(rows, 9, 9, { ...sums, members: k.u32(1) }, k.f32(9), 9)).toThrow(RangeError);
      expect(() => k.multiply(k.f64(2), 1, rows, 2, 9, 9, k.f32(8), 9)).toThrow(RangeError);
      expect(() => k.maxAbs(rows, 2, 10, 10, out)).toThrow(RangeError);
      expect(() => k.squaredNorms(rows, 5, 1, 1, out)).toThrow(RangeError);
    });
  });
});
