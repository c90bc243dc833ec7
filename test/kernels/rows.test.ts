import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { type Divisor, RANK_ROOM } from "../../src/kernels/kernels.ts";
import { BACKENDS, combineOne, differences, floats, fresh, rowSums, SENTINEL, weights } from "../support/kernels.ts";

describe.each(BACKENDS)("%s kernels", (_name, create) => {
  describe("rows", () => {
    it("combines by hand, several sums at once, and no members give zeros", () => {
      const k = fresh(create);
      const rows = floats(k, [1, 2, 3, 99, 10, 20, 30, 99, -1, -2, -3]);
      const dst = k.f32(4).fill(SENTINEL);
      combineOne(k, rows, 4, [2, 0, 1], [0.5, 2, -1], dst.subarray(0, 3));
      expect([...dst]).toEqual([-8.5, -17, -25.5, SENTINEL]);
      combineOne(k, rows, 4, [], [], dst.subarray(0, 3));
      expect([...dst]).toEqual([0, 0, 0, SENTINEL]);
      const several = k.f32(12).fill(SENTINEL);
      k.combine(
        rows,
        4,
        3,
        rowSums(k, [
          [
            [1, 1],
            [2, 2],
          ],
          [],
          [[0, -1]],
        ]),
        several,
        4,
      );
      expect([...several]).toEqual([8, 16, 24, SENTINEL, 0, 0, 0, SENTINEL, -1, -2, -3, SENTINEL]);
    });

    it("adds to sums in f64", () => {
      const k = fresh(create);
      const row = floats(k, [1, 2, 3, 4, 5, 6]);
      const sums = k.f64(7).fill(2 ** 25);
      k.add(row.subarray(1), sums.subarray(1, 6));
      expect([...sums].map((sum) => sum - 2 ** 25)).toEqual([0, 2, 3, 4, 5, 6, 0]);
    });

    it("prunes what is below a magnitude, keeps and counts what equals it", () => {
      const k = fresh(create);
      const row = floats(k, [1, -3, 2, -2, 0, 5, -1, 2.5, SENTINEL]);
      expect(k.prune(row.subarray(0, 8), 2)).toBe(2);
      expect([...row]).toEqual([0, -3, 2, -2, 0, 5, 0, 2.5, SENTINEL]);
      expect(k.prune(row.subarray(1, 4), 0)).toBe(0);
      expect(k.prune(row.subarray(0, 8), Number.POSITIVE_INFINITY)).toBe(0);
      expect([...row]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, SENTINEL]);
    });

    it("counts magnitudes by the upper and the lower bits of their f32", () => {
      const k = fresh(create);
      const row = floats(k, [1, -1, 1.5, 0, -0, 2 ** -149, 1 + 2 ** -23, SENTINEL]).subarray(0, 7);
      const upper = k.u32(2 ** 15).fill(0);
      k.countUpper(row, upper);
      // 1 is 0x3f800000, 1.5 is 0x3fc00000.
      const found = [...upper].flatMap((count, m) => (count === 0 ? [] : [[m, count]]));
      expect(found).toEqual([
        [0, 3],
        [0x3f80, 3],
        [0x3fc0, 1],
      ]);
      const lower = k.u32(2 ** 16).fill(0);
      k.countLower(row, 0x3f80, lower);
      expect([...lower.subarray(0, 3)]).toEqual([2, 1, 0]);
      k.countLower(row, 0, lower);
      expect([...lower.subarray(0, 3)]).toEqual([4, 2, 0]);
    });

    it("keeps the entries whose draws are below the limit, divided in f64", () => {
      const k = fresh(create);
      const draws = k.u32(5);
      draws.set([0, 6, 7, 2 ** 31 - 1, 6]);
      const row = floats(k, [1, -3, 2, 4, 1, SENTINEL]);
      k.dropDrawn(row.subarray(0, 5), draws, 7, 0.3);
      expect([...row]).toEqual([1 / 0.3, -10, 0, 0, 1 / 0.3, SENTINEL].map(Math.fround));
    });

    it("draws by key and index, whatever the step", () => {
      const k = fresh(create);
      const all = k.u32(23);
      k.draw(-77, -5, 1, all);
      for (const [first, step, length] of [
        [0, 1, 7],
        [3, 4, 5],
        [22, 9, 1],
      ] as const) {
        const some = k.u32(length + 1).fill(9);
        k.draw(-77, first - 5, step, some.subarray(0, length));
        expect([...some]).toEqual([...Array.from({ length }, (_, i) => all[first + i * step]!), 9]);
      }
      // The finalizer by hand: 0 stays 0; published vector of MurmurHash3's fmix32: 1 -> 0x514e28b7.
      k.draw(1, 0, 1, all.subarray(0, 2));
      expect([...all.subarray(0, 2)]).toEqual([0x514e28b7 >>> 1, 0]);
    });

    it.each([
      ["of one size", (x: number) => x - 0.5],
      ["of outliers, which crowd the others together", (x: number) => (x < 0.01 ? 1e6 : x)],
      ["of zeros and of both signs", (x: number) => (x < 0.5 ? 0 : x < 0.75 ? -x : x)],
      ["of denormals", (x: number) => Math.round(100 * x) * 1e-45],
    ])("orders rows %s by magnitude, the first of equals first", (_, entry) => {
      const random = seededRandom(4);
      for (const length of [1, 2, 7, 1000]) {
        const k = fresh(create);
        const row = floats(
          k,
          Array.from({ length }, () => entry(random.uniform())),
        );
        const order = k.u32(length + 1).fill(7);
        k.ascending(row, order.subarray(0, length), k.u32(length + RANK_ROOM));
        const expected = [...row.keys()].sort((x, y) => Math.abs(row[x]!) - Math.abs(row[y]!) || x - y);
        expect([...order]).toEqual([...expected, 7]);
      }
    });

    it("keeps the entries whose draws are below the limit of their rank, times its factor", () => {
      const k = fresh(create);
      const row = floats(k, [5, -1, 3, 0.1, SENTINEL]);
      const [order, draws, limits] = [k.u32(4), k.u32(4), k.u32(4)];
      order.set([3, 1, 2, 0]);
      draws.set([9, 4, 5, 2 ** 31 - 1]);
      limits.set([2 ** 31, 4, 6, 10]);
      const factors = k.f64(4);
      factors.set([0.3, 2, 3, 4]);
      k.dropRanked(row.subarray(0, 4), order, draws, limits, factors);
      expect([...row]).toEqual([20, 0, 9, Math.fround(Math.fround(0.1) * 0.3), SENTINEL]);
    });

    it("elects signs by hand", () => {
      const k = fresh(create);
      // 3 + -1 + -1 elects plus by value, minus by signs; weights 1, 2, 2 turn the first to minus. A tie is plus; nothing agrees on zeros.
      const rows = floats(k, [3, 2, 0, 99, -1, -2, 0, 99, -1, 0, 0, 99]);
      const shares = k.f64(3);
      shares.set([1, 2, 2]);
      const dst = k.f32(4).fill(SENTINEL);
      const merged = (weighted: boolean, byValue: boolean, divisor: Divisor): number[] => {
        k.electedMean(rows, 3, 4, 3, shares, { weighted, byValue, divisor }, dst.subarray(0, 3));
        return [...dst];
      };
      expect(merged(false, true, "count")).toEqual([3, 2, 0, SENTINEL]);
      expect(merged(false, false, "count")).toEqual([-2, 2, 0, SENTINEL]);
      expect(merged(false, false, "weights")).toEqual([-1, 2, 0, SENTINEL]);
      expect(merged(false, false, "none")).toEqual([-4, 2, 0, SENTINEL]);
      expect(merged(true, true, "weights")).toEqual([-1, -2, 0, SENTINEL]);
      expect(merged(true, false, "weights")).toEqual([-1, 2, 0, SENTINEL]);
      expect(merged(true, true, "count")).toEqual([-2, -4, 0, SENTINEL]);
      shares.set([1, -1, -1]);
      expect(merged(true, true, "weights")).toEqual([-5, 4, 0, SENTINEL]);
      expect(merged(true, true, "none")).toEqual([5, 4, 0, SENTINEL]);
    });

    it("adds in f32 in the order of the members", () => {
      const k = fresh(create);
      const rows = floats(k, [2 ** 24, 1, -(2 ** 24)]);
      const dst = k.f32(1);
      combineOne(k, rows, 1, [0, 1, 2], [1, 1, 1], dst);
      expect(dst[0]).toBe(0);
      combineOne(k, rows, 1, [0, 2, 1], [1, 1, 1], dst);
      expect(dst[0]).toBe(1);
    });

    it("copies a single member with coefficient 1 exactly, -0 and subnormals included", () => {
      const k = fresh(create);
      const row = weights(seededRandom(5), 77);
      expect([...row].some((x) => Object.is(x, -0))).toBe(true);
      const dst = k.f32(77);
      combineOne(k, floats(k, [...new Float32Array(80), ...row]), 80, [1], [1], dst);
      expect(differences(dst, row)).toEqual([]);
    });

    it("multiplies by hand, in f64 rounded once", () => {
      const k = fresh(create);
      const rows = floats(k, [1, 2, 3, 99, 2 ** 24, 5, 6, 99]);
      const coefficients = k.f64(4);
      coefficients.set([1, 1, -1, 2 ** -24]);
      const dst = k.f32(8).fill(SENTINEL);
      k.multiply(coefficients, 2, rows, 2, 4, 3, dst, 4);
      expect([...dst]).toEqual([
        2 ** 24,
        7,
        9,
        SENTINEL,
        0,
        Math.fround(-2 + 5 * 2 ** -24),
        Math.fround(-3 + 6 * 2 ** -24),
        SENTINEL,
      ]);
      k.multiply(coefficients, 2, rows, 0, 4, 3, dst, 4);
      expect([...dst]).toEqual([0, 0, 0, SENTINEL, 0, 0, 0, SENTINEL]);
    });

    it("scales, and finds maxima and squared norms, by hand", () => {
      const k = fresh(create);
      const rows = floats(k, [1, -4, 3, 99, 0, -0, 0, 99]);
      const out = k.f64(3).fill(SENTINEL);
      k.maxAbs(rows, 2, 4, 3, out);
      expect([...out]).toEqual([4, 0, SENTINEL]);
      k.squaredNorms(rows, 2, 4, 3, out);
      expect([...out]).toEqual([26, 0, SENTINEL]);
      k.scale(rows.subarray(0, 3), -0.1);
      const factor = Math.fround(-0.1);
      expect([...rows.subarray(0, 4)]).toEqual([factor, Math.fround(-4 * factor), Math.fround(3 * factor), 99]);
      rows[1] = Number.NaN;
      k.maxAbs(rows, 1, 4, 3, out);
      expect(out[0]).toBeNaN();
    });
  });
});
