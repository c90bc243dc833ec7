import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { BACKENDS, differences, floats, fresh, MEGABYTE, SENTINEL, weights, wholeMatrix } from "../support/kernels.ts";

describe.each(BACKENDS)("%s kernels", (_name, create) => {
  describe("gram and manhattan", () => {
    it("computes two rows by hand", () => {
      const k = fresh(create);
      const rows = floats(k, [1, 2, 3, 99, 4, -5, 6]);
      expect(wholeMatrix(k, 2, (out) => k.gram(rows, 2, 4, 3, out))).toEqual([14, 12, 12, 77]);
      expect(wholeMatrix(k, 2, (out) => k.gramF64(rows, 2, 4, 3, out))).toEqual([14, 12, 12, 77]);
      expect(wholeMatrix(k, 2, (out) => k.manhattan(rows, 2, 4, 3, 1, out))).toEqual([0, 13, 13, 0]);
      expect(wholeMatrix(k, 2, (out) => k.manhattan(rows, 2, 4, 3, -1, out))).toEqual([12, 17, 17, 30]);
    });

    it("computes inner products with other rows by hand, added to what is there", () => {
      const k = fresh(create);
      const rows = floats(k, [1, 2, 99, 3, 4]);
      const others = floats(k, [5, 6, 0, -1, 1, 1]);
      const out = k.f64(7).fill(SENTINEL);
      out.fill(1, 0, 6);
      k.cross(rows, 2, 3, others, 3, 2, 2, out);
      expect([...out]).toEqual([18, -1, 4, 40, -3, 8, SENTINEL]);
    });

    it("adds to what is there, so that rows may come in pieces", () => {
      const k = fresh(create);
      const rows = floats(k, [1, 2, 4, -5]);
      const out = k.f64(4).fill(100);
      k.gram(rows, 2, 2, 2, out);
      k.gramF64(rows, 2, 2, 2, out);
      k.manhattan(rows, 2, 2, 2, 1, out);
      expect([out[0], out[1], out[3]]).toEqual([100 + 2 * 5, 100 - 2 * 6 + 10, 100 + 2 * 41]);
    });

    it("has the same bits for rows in pieces of 512 columns as for whole rows", () => {
      const k = fresh(create);
      const rows = floats(k, weights(seededRandom(4), 5 * 1700));
      const whole = wholeMatrix(k, 5, (out) => k.gram(rows, 5, 1700, 1700, out));
      const pieces = wholeMatrix(k, 5, (out) => {
        k.gram(rows, 5, 1700, 1024, out);
        k.gram(rows.subarray(1024), 5, 1700, 512, out);
        k.gram(rows.subarray(1536), 5, 1700, 164, out);
      });
      expect(differences(pieces, whole)).toEqual([]);
    });

    it("adds nothing for rows of length 0 or no rows", () => {
      const k = fresh(create);
      expect(wholeMatrix(k, 2, (out) => k.gram(k.f32(0), 2, 0, 0, out))).toEqual([0, 0, 0, 0]);
      expect(wholeMatrix(k, 0, (out) => k.manhattan(k.f32(0), 0, 5, 5, 1, out))).toEqual([]);
    });

    it("permutes bit for bit with the rows, and equal rows give equal entries", () => {
      const k = fresh(create);
      const random = seededRandom(3);
      for (const [count, length, stride] of [
        [7, 1030, 1033],
        [37, 519, 520],
        [133, 21, 21],
      ] as const) {
        k.reset(4 * MEGABYTE);
        const order = Array.from({ length: count }, (_, i) => i);
        for (let i = count - 1; i > 0; i--) {
          const j = random.below(i + 1);
          [order[i], order[j]] = [order[j]!, order[i]!];
        }
        const rows = floats(k, weights(random, count * stride));
        rows.copyWithin((count - 1) * stride, 0, length);
        const permuted = k.f32(count * stride);
        order.forEach((from, to) => {
          permuted.set(rows.subarray(from * stride, (from + 1) * stride), to * stride);
        });
        const kernels: ((rows: Float32Array, out: Float64Array) => void)[] = [
          (r, o) => k.gram(r, count, stride, length, o),
          (r, o) => k.gramF64(r, count, stride, length, o),
          (r, o) => k.manhattan(r, count, stride, length, 1, o),
          (r, o) => k.manhattan(r, count, stride, length, -1, o),
        ];
        for (const kernel of kernels) {
          const found = wholeMatrix(k, count, (out) => kernel(rows, out));
          const turned = wholeMatrix(k, count, (out) => kernel(permuted, out));
          const expected = order.flatMap((i) => order.map((j) => found[i * count + j]!));
          expect(differences(turned, expected)).toEqual([]);
          // The last row is the first once more.
          expect(differences(found.slice((count - 1) * count), found.slice(0, count))).toEqual([]);
        }
      }
    });

    it("keeps diagonal entries within 1e-5 even where every rounding errs the same way", () => {
      const k = fresh(create);
      for (const length of [512, 1024, 5000, 15104]) {
        for (const value of [0.1, 0.7, 1 / 3, 1.9]) {
          const rows = k.f32(length).fill(value);
          const exact = length * Math.fround(value) ** 2;
          const [single] = wholeMatrix(k, 1, (out) => k.gram(rows, 1, length, length, out));
          expect(Math.abs(single! / exact - 1)).toBeLessThan(1e-5);
          const [double] = wholeMatrix(k, 1, (out) => k.gramF64(rows, 1, length, length, out));
          expect(Math.abs(double! / exact - 1)).toBeLessThan(1e-11);
          const [distance] = wholeMatrix(k, 1, (out) => k.manhattan(rows, 1, length, length, -1, out));
          expect(Math.abs(distance! / (2 * length * Math.fround(value)) - 1)).toBeLessThan(1e-5);
        }
      }
    });
  });
});
