import { describe, expect, it } from "vitest";
import { bytesOf, type FactorDtype, type OutputDtype } from "../../src/core/dtype.ts";
import {
  BACKENDS,
  bitsOf16,
  bytesOf16,
  differences,
  floats,
  fresh,
  MEGABYTE,
  SENTINEL,
  shifted,
  widenAll,
} from "../support/kernels.ts";

describe.each(BACKENDS)("%s kernels", (_name, create) => {
  describe("widen", () => {
    it("reads hand-made elements of every dtype, times the factor", () => {
      const k = fresh(create);
      const cases: [FactorDtype, Uint8Array, number[]][] = [
        ["F64", new Uint8Array(Float64Array.of(1, -0.1, 2 ** -149, -0, 3).buffer), [1, -0.1, 2 ** -149, -0, 3]],
        ["F32", new Uint8Array(Float32Array.of(1, -0.1, 2 ** -149, -0, 3).buffer), [1, -0.1, 2 ** -149, -0, 3]],
        ["F16", bytesOf16([0x3c00, 0xc000, 0x0001, 0x8000, 0x7bff]), [1, -2, 2 ** -24, -0, 65504]],
        ["BF16", bytesOf16([0x3f80, 0xc049, 0x0001, 0x8000, 0x4000]), [1, -3.140625, 2 ** -133, -0, 2]],
        ["F8_E4M3", Uint8Array.of(0x38, 0xc0, 0x01, 0x80, 0x7e), [1, -2, 2 ** -9, -0, 448]],
        ["F8_E5M2", Uint8Array.of(0x3c, 0xc0, 0x01, 0x80, 0x7b), [1, -2, 2 ** -16, -0, 57344]],
      ];
      for (const [dtype, bytes, values] of cases) {
        const dst = k.f32(5);
        expect(widenAll(k, dtype, shifted(k, bytes, 1), dst, 1), dtype).toBe(true);
        expect(differences(dst, Float32Array.from(values)), dtype).toEqual([]);
        widenAll(k, dtype, shifted(k, bytes, 3), dst, -0.3);
        const products = values.map((x) => Math.fround(Math.fround(x) * Math.fround(-0.3)));
        expect(differences(dst, products), dtype).toEqual([]);
      }
    });

    it("reads all 65536 values of f16, and narrow gives their bits back", () => {
      const k = fresh(create);
      const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const values = k.f32(65536);
      expect(widenAll(k, "F16", shifted(k, bytesOf16(bits), 0), values, 1)).toBe(false);
      const expected = Array.from(bits, (b) => {
        const sign = b & 0x8000 ? -1 : 1;
        const exponent = (b >> 10) & 31;
        const mantissa = b & 1023;
        if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
        return sign * (exponent ? (1 + mantissa / 1024) * 2 ** (exponent - 15) : mantissa * 2 ** -24);
      });
      expect(differences(values, expected)).toEqual([]);
      const back = k.bytes(131072);
      expect(k.narrow("F16", values, back)).toBe(true);
      const wanted = bits.map((b) => ((b & 0x7fff) > 0x7c00 ? 0x7e00 : b));
      expect(differences(bitsOf16(back), wanted)).toEqual([]);
    });

    it("reads all 65536 values of bf16, and narrow gives their bits back", () => {
      const k = fresh(create);
      const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const values = k.f32(65536);
      expect(widenAll(k, "BF16", shifted(k, bytesOf16(bits), 0), values, 1)).toBe(false);
      expect(differences(values, new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer))).toEqual([]);
      const back = k.bytes(131072);
      expect(k.narrow("BF16", values, back)).toBe(true);
      const wanted = bits.map((b) => ((b & 0x7fff) > 0x7f80 ? 0x7fc0 : b));
      expect(differences(bitsOf16(back), wanted)).toEqual([]);
    });

    it("reads all 256 values of both f8 formats", () => {
      const k = fresh(create);
      const src = shifted(
        k,
        Uint8Array.from({ length: 256 }, (_, i) => i),
        0,
      );
      const dst = k.f32(256);
      const value = (b: number, mantissaBits: number, bias: number): number => {
        const exponent = (b & 127) >> mantissaBits;
        const fraction = (b & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
        return (b & 128 ? -1 : 1) * (exponent ? (1 + fraction) * 2 ** (exponent - bias) : fraction * 2 ** (1 - bias));
      };
      const e4m3 = Array.from(src, (b) => ((b & 127) === 127 ? Number.NaN : value(b, 3, 7)));
      const e5m2 = Array.from(src, (b) => {
        if ((b & 127) < 0x7c) return value(b, 2, 15);
        return (b & 127) === 0x7c ? value(b, 7, 0) * Number.POSITIVE_INFINITY : Number.NaN;
      });
      e5m2[0x7c] = Number.POSITIVE_INFINITY;
      e5m2[0xfc] = Number.NEGATIVE_INFINITY;
      expect(widenAll(k, "F8_E4M3", src, dst, 1)).toBe(false);
      expect(differences(dst, e4m3)).toEqual([]);
      expect(widenAll(k, "F8_E5M2", src, dst, 1)).toBe(false);
      expect(differences(dst, e5m2)).toEqual([]);
    });

    it("rounds F64 to nearest even", () => {
      const k = fresh(create);
      const src = Float64Array.of(1 + 2 ** -24, 1 + 3 * 2 ** -24, 1 + 2 ** -24 + 2 ** -50, 2 ** -150, 3 * 2 ** -150);
      const dst = k.f32(5);
      expect(widenAll(k, "F64", shifted(k, new Uint8Array(src.buffer), 2), dst, 1)).toBe(true);
      expect(differences(dst, [1, 1 + 2 ** -22, 1 + 2 ** -23, 0, 2 ** -148])).toEqual([]);
    });

    it("says no for a NaN or Inf of any dtype at any place, and for finite values that leave f32", () => {
      const k = fresh(create);
      const nonFinite: [FactorDtype, Uint8Array[]][] = [
        ["F64", [Number.NaN, Number.POSITIVE_INFINITY, -1e39].map((x) => new Uint8Array(Float64Array.of(x).buffer))],
        ["F32", [Number.NaN, Number.NEGATIVE_INFINITY].map((x) => new Uint8Array(Float32Array.of(x).buffer))],
        ["F16", [bytesOf16([0x7c00]), bytesOf16([0xfc00]), bytesOf16([0x7c01]), bytesOf16([0xfe00])]],
        ["BF16", [bytesOf16([0x7f80]), bytesOf16([0xff80]), bytesOf16([0x7f81]), bytesOf16([0xffc0])]],
        ["F8_E4M3", [Uint8Array.of(0x7f), Uint8Array.of(0xff)]],
        ["F8_E5M2", [Uint8Array.of(0x7c), Uint8Array.of(0xfc), Uint8Array.of(0x7d), Uint8Array.of(0xff)]],
      ];
      for (const [dtype, elements] of nonFinite) {
        const size = bytesOf(dtype);
        const dst = k.f32(11);
        for (const element of elements) {
          for (let place = 0; place < 11; place++) {
            const bytes = new Uint8Array(11 * size);
            const src = shifted(k, bytes, 0);
            expect(widenAll(k, dtype, src, dst, 1), dtype).toBe(true);
            expect(k.widenTransposed(dtype, src, 1, 11, dst, 1, 1), dtype).toBe(true);
            src.set(element, place * size);
            for (const factor of [1, 0]) expect(widenAll(k, dtype, src, dst, factor), `${dtype} ${place}`).toBe(false);
            expect(k.widenTransposed(dtype, src, 1, 11, dst, 1, 1), `${dtype} ${place}`).toBe(false);
          }
        }
      }
      const large = shifted(k, new Uint8Array(Float32Array.of(3e38).buffer), 0);
      expect(widenAll(k, "F32", large, k.f32(1), 1)).toBe(true);
      expect(widenAll(k, "F32", large, k.f32(1), -2)).toBe(false);
    });

    it("transposes by hand", () => {
      const k = fresh(create);
      const dst = k.f32(9).fill(SENTINEL);
      const src = shifted(k, new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer), 0);
      expect(k.widenTransposed("F32", src, 2, 3, dst, 3, 10)).toBe(true);
      expect([...dst]).toEqual([10, 40, SENTINEL, 20, 50, SENTINEL, 30, 60, SENTINEL]);
    });
  });

  describe("narrow", () => {
    it("rounds every tie between neighbours to the even one, and what lies beside it to the nearer one", () => {
      const k = fresh(create, 16 * MEGABYTE);
      const formats = [
        { dtype: "F16", infinity: 0x7c00 },
        { dtype: "BF16", infinity: 0x7f80 },
      ] as const;
      for (const { dtype, infinity } of formats) {
        const lower = Uint16Array.from({ length: infinity - 1 }, (_, b) => b);
        const values = k.f32(infinity);
        widenAll(k, dtype, shifted(k, bytesOf16([...lower, infinity - 1]), 0), values, 1);
        const middles = k.f32(lower.length);
        const words = new Uint32Array(middles.buffer, middles.byteOffset, middles.length);
        for (let b = 0; b < lower.length; b++) {
          if (dtype === "F16") middles[b] = (values[b]! + values[b + 1]!) / 2;
          else words[b] = (b << 16) | 0x8000;
        }
        const target = k.bytes(lower.length * 2);
        expect(k.narrow(dtype, middles, target)).toBe(true);
        expect(
          differences(
            bitsOf16(target),
            lower.map((b) => b + (b & 1)),
          ),
          dtype,
        ).toEqual([]);
        for (let b = 0; b < lower.length; b++) words[b]!--;
        k.narrow(dtype, middles, target);
        expect(differences(bitsOf16(target), lower), dtype).toEqual([]);
        for (let b = 0; b < lower.length; b++) words[b]! += 2;
        k.narrow(dtype, middles, target);
        expect(
          differences(
            bitsOf16(target),
            lower.map((b) => b + 1),
          ),
          dtype,
        ).toEqual([]);
      }
    });

    it("narrows hand-made values", () => {
      const k = fresh(create);
      const src = floats(k, [1, -2, -0, 2 ** -25, 1.5 * 2 ** -24, -65504, 1e-30, Number.NaN, Number.NEGATIVE_INFINITY]);
      const half = shifted(k, new Uint8Array(18), 1);
      expect(k.narrow("F16", src, half)).toBe(true);
      expect([...bitsOf16(half)]).toEqual([0x3c00, 0xc000, 0x8000, 0, 2, 0xfbff, 0, 0x7e00, 0xfc00]);
      const brain = shifted(k, new Uint8Array(18), 3);
      expect(k.narrow("BF16", src, brain)).toBe(true);
      expect([...bitsOf16(brain)]).toEqual([0x3f80, 0xc000, 0x8000, 0x3300, 0x33c0, 0xc780, 0x0da2, 0x7fc0, 0xff80]);
      const full = shifted(k, new Uint8Array(36), 3);
      expect(k.narrow("F32", src, full)).toBe(true);
      expect(differences(new Float32Array(full.slice().buffer), src)).toEqual([]);
    });

    it("says no exactly when a finite element becomes Inf, at any place", () => {
      const k = fresh(create);
      const largestF32 = (2 - 2 ** -23) * 2 ** 127;
      const limits: [OutputDtype, number, number][] = [
        ["F16", 65520, 65519.99609375],
        ["BF16", (2 - 2 ** -8) * 2 ** 127, (2 - 2 ** -8 - 2 ** -23) * 2 ** 127],
        ["F16", largestF32, 0],
        ["BF16", largestF32, 0],
        ["F32", Number.POSITIVE_INFINITY, largestF32],
      ];
      const target = k.bytes(100);
      for (const [dtype, over, under] of limits) {
        for (const sign of [1, -1]) {
          for (let place = 0; place < 7; place++) {
            const src = k.f32(7);
            src[place] = sign * under;
            expect(k.narrow(dtype, src, target)).toBe(true);
            expect(k.narrowTransposed(dtype, src, 7, 1, 1, target)).toBe(true);
            src[place] = sign * over;
            expect(k.narrow(dtype, src, target), `${dtype} ${over}`).toBe(dtype === "F32");
            expect(k.narrowTransposed(dtype, src, 7, 1, 1, target), `${dtype} ${over}`).toBe(dtype === "F32");
            src[place] = place % 2 ? Number.NaN : Number.NEGATIVE_INFINITY;
            expect(k.narrow(dtype, src, target)).toBe(true);
          }
        }
      }
    });

    it("transposes by hand", () => {
      const k = fresh(create);
      const src = floats(k, [1, 2, 3, SENTINEL, 4, 5, 6]);
      const target = k.bytes(14).fill(0xaa);
      expect(k.narrowTransposed("BF16", src, 2, 4, 3, target)).toBe(true);
      expect([...bitsOf16(target)]).toEqual([0x3f80, 0x4080, 0x4000, 0x40a0, 0x4040, 0x40c0, 0xaaaa]);
    });
  });
});
