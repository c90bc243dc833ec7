import { describe, expect, it } from "vitest";
import { bytesOf, type FactorDtype, type OutputDtype } from "../src/core/dtype.ts";
import { UsageError } from "../src/core/errors.ts";
import { type Random, seededRandom } from "../src/core/random.ts";
import type { Kernels } from "../src/kernels/kernels.ts";
import { referenceKernels } from "../src/kernels/reference.ts";
import { wasmKernels } from "../src/kernels/wasm.ts";

const FACTOR_DTYPES: FactorDtype[] = ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"];
const OUTPUT_DTYPES: OutputDtype[] = ["F32", "F16", "BF16"];
const BACKENDS: [string, () => Kernels][] = [
  ["wasm", wasmKernels],
  ["reference", referenceKernels],
];

const MEGABYTE = 2 ** 20;
const SENTINEL = 12345;

function fresh(create: () => Kernels, bytes: number = 4 * MEGABYTE): Kernels {
  const kernels = create();
  kernels.reset(bytes);
  return kernels;
}

function floats(kernels: Kernels, values: ArrayLike<number>): Float32Array {
  const view = kernels.f32(values.length);
  view.set(values);
  return view;
}

/** A copy of `bytes` in the arena, `shift` bytes past an aligned address. */
function shifted(kernels: Kernels, bytes: Uint8Array, shift: number): Uint8Array {
  const view = kernels.bytes(bytes.length + shift).subarray(shift);
  view.set(bytes);
  return view;
}

function bytesOf16(bits: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Uint16Array.from(bits).buffer);
}

function bitsOf16(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.slice().buffer);
}

/** Up to eight differences, told apart as Object.is does (-0 is not 0, NaN is NaN). */
function differences(actual: ArrayLike<number>, expected: ArrayLike<number>): string[] {
  const found: string[] = actual.length === expected.length ? [] : [`length ${actual.length} for ${expected.length}`];
  for (let i = 0; i < expected.length && found.length < 8; i++) {
    if (!Object.is(actual[i], expected[i])) found.push(`[${i}] ${actual[i]} for ${expected[i]}`);
  }
  return found;
}

/** Weights of many sizes, with zeros, -0 and subnormals among them. */
function weight(random: Random): number {
  const kind = random.below(40);
  if (kind === 0) return 0;
  if (kind === 1) return -0;
  const size = kind === 2 ? 1e-41 : kind < 6 ? 10 ** (random.uniform() * 8 - 6) : 0.05;
  return Math.fround((random.uniform() - 0.5) * size);
}

function weights(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => weight(random));
}

/** `values` in the bytes of a dtype; f8 takes arbitrary finite bytes. */
function encoded(dtype: FactorDtype, random: Random, length: number): Uint8Array {
  if (dtype === "F64") return new Uint8Array(Float64Array.from({ length }, () => weight(random) * 1.000000001).buffer);
  if (dtype === "F32") return new Uint8Array(weights(random, length).buffer);
  if (dtype === "F16") return bytesOf16(Array.from({ length }, () => (random.below(31) << 10) | random.below(1024)));
  if (dtype === "BF16") return bytesOf16(Array.from({ length }, () => 0x8000 | random.below(0x4400)));
  return Uint8Array.from({ length }, () => random.below(0x7c) | (random.below(2) << 7));
}

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
      expect(() => k.widen("BF16", k.bytes(37), rows, 1)).toThrow(RangeError);
      expect(() => k.widenTransposed("BF16", k.bytes(40), 4, 5, rows, 4, 1)).toThrow(RangeError);
      expect(() => k.narrow("F16", rows, k.bytes(37))).toThrow(RangeError);
      expect(() => k.narrowTransposed("F16", rows, 2, 10, 10, k.bytes(40))).toThrow(RangeError);
      expect(() => k.combine(rows, 10, [0, 1], [1, 1], k.f32(10))).toThrow(RangeError);
      expect(() => k.combine(rows, 9, [0, 1], [1], k.f32(9))).toThrow(RangeError);
      expect(() => k.multiply(k.f64(2), 1, rows, 2, 9, 9, k.f32(8), 9)).toThrow(RangeError);
      expect(() => k.maxAbs(rows, 2, 10, 10, out)).toThrow(RangeError);
      expect(() => k.squaredNorms(rows, 5, 1, 1, out)).toThrow(RangeError);
    });
  });

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
        expect(k.widen(dtype, shifted(k, bytes, 1), dst, 1), dtype).toBe(true);
        expect(differences(dst, Float32Array.from(values)), dtype).toEqual([]);
        k.widen(dtype, shifted(k, bytes, 3), dst, -0.3);
        const products = values.map((x) => Math.fround(Math.fround(x) * Math.fround(-0.3)));
        expect(differences(dst, products), dtype).toEqual([]);
      }
    });

    it("reads all 65536 values of f16, and narrow gives their bits back", () => {
      const k = fresh(create);
      const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const values = k.f32(65536);
      expect(k.widen("F16", shifted(k, bytesOf16(bits), 0), values, 1)).toBe(false);
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
      expect(k.widen("BF16", shifted(k, bytesOf16(bits), 0), values, 1)).toBe(false);
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
      expect(k.widen("F8_E4M3", src, dst, 1)).toBe(false);
      expect(differences(dst, e4m3)).toEqual([]);
      expect(k.widen("F8_E5M2", src, dst, 1)).toBe(false);
      expect(differences(dst, e5m2)).toEqual([]);
    });

    it("rounds F64 to nearest even", () => {
      const k = fresh(create);
      const src = Float64Array.of(1 + 2 ** -24, 1 + 3 * 2 ** -24, 1 + 2 ** -24 + 2 ** -50, 2 ** -150, 3 * 2 ** -150);
      const dst = k.f32(5);
      expect(k.widen("F64", shifted(k, new Uint8Array(src.buffer), 2), dst, 1)).toBe(true);
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
            expect(k.widen(dtype, src, dst, 1), dtype).toBe(true);
            expect(k.widenTransposed(dtype, src, 1, 11, dst, 1, 1), dtype).toBe(true);
            src.set(element, place * size);
            for (const factor of [1, 0]) expect(k.widen(dtype, src, dst, factor), `${dtype} ${place}`).toBe(false);
            expect(k.widenTransposed(dtype, src, 1, 11, dst, 1, 1), `${dtype} ${place}`).toBe(false);
          }
        }
      }
      const large = shifted(k, new Uint8Array(Float32Array.of(3e38).buffer), 0);
      expect(k.widen("F32", large, k.f32(1), 1)).toBe(true);
      expect(k.widen("F32", large, k.f32(1), -2)).toBe(false);
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
        k.widen(dtype, shifted(k, bytesOf16([...lower, infinity - 1]), 0), values, 1);
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

  describe("gram and manhattan", () => {
    it("computes two rows by hand", () => {
      const k = fresh(create);
      const rows = floats(k, [1, 2, 3, 99, 4, -5, 6]);
      const out = k.f64(5).fill(SENTINEL);
      k.gram(rows, 2, 4, 3, out);
      expect([...out]).toEqual([14, 12, 12, 77, SENTINEL]);
      k.gramF64(rows, 2, 4, 3, out);
      expect([...out]).toEqual([14, 12, 12, 77, SENTINEL]);
      k.manhattan(rows, 2, 4, 3, 1, out);
      expect([...out]).toEqual([0, 13, 13, 0, SENTINEL]);
      k.manhattan(rows, 2, 4, 3, -1, out);
      expect([...out]).toEqual([12, 17, 17, 30, SENTINEL]);
    });

    it("gives zeros for rows of length 0 and nothing for no rows", () => {
      const k = fresh(create);
      const out = k.f64(4).fill(SENTINEL);
      k.gram(k.f32(0), 2, 0, 0, out);
      expect([...out]).toEqual([0, 0, 0, 0]);
      k.manhattan(k.f32(0), 0, 5, 5, 1, out.fill(SENTINEL));
      expect([...out]).toEqual([SENTINEL, SENTINEL, SENTINEL, SENTINEL]);
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
        // The last row is the first once more.
        rows.copyWithin((count - 1) * stride, 0, length);
        const permuted = k.f32(count * stride);
        order.forEach((from, to) => {
          permuted.set(rows.subarray(from * stride, (from + 1) * stride), to * stride);
        });
        const out = k.f64(count * count);
        const out2 = k.f64(count * count);
        const kernels: ((rows: Float32Array, out: Float64Array) => void)[] = [
          (r, o) => k.gram(r, count, stride, length, o),
          (r, o) => k.gramF64(r, count, stride, length, o),
          (r, o) => k.manhattan(r, count, stride, length, 1, o),
          (r, o) => k.manhattan(r, count, stride, length, -1, o),
        ];
        for (const kernel of kernels) {
          kernel(rows, out);
          kernel(permuted, out2);
          const expected = order.flatMap((i) => order.map((j) => out[i * count + j]!));
          expect(differences(out2, expected)).toEqual([]);
          expect(differences(out.subarray((count - 1) * count), out.subarray(0, count))).toEqual([]);
          expect(out[count - 1]).toBe(out[0]);
          expect(out.every((x, at) => x === out[(at % count) * count + Math.floor(at / count)])).toBe(true);
        }
      }
    });

    it("keeps diagonal entries within 1e-5 even where every rounding errs the same way", () => {
      const k = fresh(create);
      for (const length of [512, 1024, 5000, 15104]) {
        for (const value of [0.1, 0.7, 1 / 3, 1.9]) {
          const rows = k.f32(length).fill(value);
          const out = k.f64(1);
          const exact = length * Math.fround(value) ** 2;
          k.gram(rows, 1, length, length, out);
          expect(Math.abs(out[0]! / exact - 1)).toBeLessThan(1e-5);
          k.gramF64(rows, 1, length, length, out);
          expect(Math.abs(out[0]! / exact - 1)).toBeLessThan(1e-11);
          k.manhattan(rows, 1, length, length, -1, out);
          expect(Math.abs(out[0]! / (2 * length * Math.fround(value)) - 1)).toBeLessThan(1e-5);
        }
      }
    });
  });

  describe("rows", () => {
    it("combines by hand, in place too, and no members give zeros", () => {
      const k = fresh(create);
      const rows = floats(k, [1, 2, 3, 99, 10, 20, 30, 99, -1, -2, -3]);
      const dst = k.f32(4).fill(SENTINEL);
      k.combine(rows, 4, [2, 0, 1], [0.5, 2, -1], dst.subarray(0, 3));
      expect([...dst]).toEqual([-8.5, -17, -25.5, SENTINEL]);
      k.combine(rows, 4, [0, 1], [1, 1], rows.subarray(4, 7));
      expect([...rows.subarray(4, 8)]).toEqual([11, 22, 33, 99]);
      k.combine(rows, 4, [], [], dst.subarray(0, 3));
      expect([...dst]).toEqual([0, 0, 0, SENTINEL]);
    });

    it("adds in f32 in the order of the members", () => {
      const k = fresh(create);
      const rows = floats(k, [2 ** 24, 1, -(2 ** 24)]);
      const dst = k.f32(1);
      k.combine(rows, 1, [0, 1, 2], [1, 1, 1], dst);
      expect(dst[0]).toBe(0);
      k.combine(rows, 1, [0, 2, 1], [1, 1, 1], dst);
      expect(dst[0]).toBe(1);
    });

    it("copies a single member with coefficient 1 exactly, -0 and subnormals included", () => {
      const k = fresh(create);
      const row = weights(seededRandom(5), 77);
      expect([...row].some((x) => Object.is(x, -0))).toBe(true);
      const dst = k.f32(77);
      k.combine(floats(k, [...new Float32Array(80), ...row]), 80, [1], [1], dst);
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

describe("wasm against the reference", () => {
  const backends = [wasmKernels(), referenceKernels()] as const;

  /** Run on both backends, each with fresh arenas; give the views that `act` returns. */
  function both<T>(act: (kernels: Kernels) => T): [T, T] {
    for (const kernels of backends) kernels.reset(3 * MEGABYTE);
    return [act(backends[0]), act(backends[1])];
  }

  function shapes(seed: number, rounds: number): { random: Random; count: number; length: number; stride: number }[] {
    const random = seededRandom(seed);
    return Array.from({ length: rounds }, (_, round) => {
      const length = round % 4 ? 1 + random.below(40) : 1 + random.below(1100);
      return { random, count: 1 + (round % 33), length, stride: length + random.below(8) };
    });
  }

  it.each(FACTOR_DTYPES)("widens %s bit for bit, straight and transposed, and writes nothing else", (dtype) => {
    for (const { random, count, length, stride } of shapes(11, 40)) {
      const bytes = encoded(dtype, random, count * length);
      const factor = random.uniform() * 3;
      const shift = random.below(16);
      const [actual, expected] = both((k) => {
        const src = shifted(k, bytes, shift);
        const straight = k.f32(count * length + 9).fill(SENTINEL);
        const wide = k.f32(count * stride + 9).fill(SENTINEL);
        const tall = k.f32(length * (count + 5) + 9).fill(SENTINEL);
        const flags = [
          k.widen(dtype, src, straight.subarray(1, 1 + count * length), factor),
          k.widenTransposed(dtype, src, length, count, wide, stride, factor),
          k.widenTransposed(dtype, src, count, length, tall, count + 5, 1),
        ];
        return { views: [straight, wide, tall], flags };
      });
      expect(actual.flags).toEqual([true, true, true]);
      expect(expected.flags).toEqual([true, true, true]);
      actual.views.forEach((view, i) => {
        expect(differences(view, expected.views[i]!)).toEqual([]);
      });
    }
  });

  it.each(OUTPUT_DTYPES)("narrows to %s bit for bit, straight and transposed, and writes nothing else", (dtype) => {
    for (const { random, count, length, stride } of shapes(12, 40)) {
      const values = weights(random, count * stride);
      if (random.below(4) === 0) values[random.below(values.length)] = 3.4e38;
      const shift = random.below(16);
      const size = bytesOf(dtype);
      const [actual, expected] = both((k) => {
        const src = floats(k, values);
        const straight = k.bytes((values.length + 5) * size + shift).fill(0xaa);
        const transposed = k.bytes((count * length + 5) * size + shift).fill(0xaa);
        const flags = [
          k.narrow(dtype, src, straight.subarray(shift)),
          k.narrowTransposed(dtype, src, count, stride, length, transposed.subarray(shift)),
        ];
        return { views: [straight, transposed], flags };
      });
      expect(actual.flags).toEqual(expected.flags);
      actual.views.forEach((view, i) => {
        expect(differences(view, expected.views[i]!)).toEqual([]);
      });
    }
  });

  it("agrees on gram and manhattan to 1e-5 of the norms, on gramF64 to 1e-12", () => {
    const sizes = shapes(13, 40).concat(
      [511, 512, 513, 1024, 1025].map((length, i) => ({
        ...shapes(14, 1)[0]!,
        count: 2 + i,
        length,
        stride: length + 3,
      })),
      [128, 129, 200].map((count) => ({ ...shapes(15, 1)[0]!, count, length: 9, stride: 10 })),
    );
    for (const { random, count, length, stride } of sizes) {
      const values = weights(random, count * stride);
      const [actual, expected] = both((k) => {
        const rows = floats(k, values);
        const outs = [0, 1, 2, 3].map(() => k.f64(count * count + 4).fill(SENTINEL));
        k.gram(rows, count, stride, length, outs[0]!);
        k.gramF64(rows, count, stride, length, outs[1]!);
        k.manhattan(rows, count, stride, length, 1, outs[2]!);
        k.manhattan(rows, count, stride, length, -1, outs[3]!);
        return outs;
      });
      const squared = (i: number): number => expected[1]![i * count + i]!;
      const absolute = (i: number): number => expected[3]![i * count + i]! / 2;
      const bad: string[] = [];
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < count; j++) {
          const error = (kernel: number): number =>
            Math.abs(actual[kernel]![i * count + j]! - expected[kernel]![i * count + j]!);
          const product = Math.sqrt(squared(i) * squared(j));
          // Subnormal products round to multiples of 2^-149.
          const tiny = length * 2 ** -149;
          if (!(error(0) <= 1e-5 * product + tiny)) bad.push(`gram ${i} ${j}`);
          if (!(error(1) <= 1e-12 * product)) bad.push(`gramF64 ${i} ${j}`);
          if (!(error(2) <= 1e-5 * (absolute(i) + absolute(j)))) bad.push(`manhattan ${i} ${j}`);
          if (!(error(3) <= 1e-5 * (absolute(i) + absolute(j)))) bad.push(`manhattan -1 ${i} ${j}`);
        }
      }
      expect(bad, `${count} x ${length}`).toEqual([]);
      for (const out of actual) expect([...out.subarray(count * count)]).toEqual(Array(4).fill(SENTINEL));
    }
  });

  it("combines, multiplies, scales and takes maxima bit for bit, squared norms to 1e-12", () => {
    for (const { random, count, length, stride } of shapes(16, 66)) {
      const values = weights(random, count * stride);
      const members = Array.from({ length: random.below(2 * count) }, () => random.below(count));
      const coefficients = members.map(() => random.uniform() * 2 - 1);
      const outRows = 1 + random.below(9);
      const matrix = Float64Array.from({ length: outRows * count }, () => random.uniform() - 0.5);
      const [actual, expected] = both((k) => {
        const rows = floats(k, values);
        const combined = k.f32(length + 9).fill(SENTINEL);
        k.combine(rows, stride, members, coefficients, combined.subarray(1, 1 + length));
        const factors = k.f64(matrix.length);
        factors.set(matrix);
        const product = k.f32(outRows * stride + 9).fill(SENTINEL);
        k.multiply(factors, outRows, rows, count, stride, length, product, stride);
        const largest = k.f64(count + 2).fill(SENTINEL);
        k.maxAbs(rows, count, stride, length, largest);
        const norms = k.f64(count + 2).fill(SENTINEL);
        k.squaredNorms(rows, count, stride, length, norms);
        k.scale(rows.subarray(1), 0.3);
        return { exact: [combined, product, largest, rows], norms };
      });
      actual.exact.forEach((view, i) => {
        expect(differences(view, expected.exact[i]!)).toEqual([]);
      });
      const bad = [...actual.norms].filter((x, i) => !(Math.abs(x - expected.norms[i]!) <= 1e-12 * expected.norms[i]!));
      expect(bad).toEqual([]);
    }
  });

  it("combines more members than the list of the wasm module holds", () => {
    const random = seededRandom(17);
    const values = weights(random, 50 * 33);
    const members = Array.from({ length: 2500 }, () => random.below(50));
    const coefficients = members.map(() => random.uniform() - 0.5);
    const [actual, expected] = both((k) => {
      const dst = k.f32(33);
      k.combine(floats(k, values), 33, members, coefficients, dst);
      return dst;
    });
    expect(differences(actual, expected)).toEqual([]);
  });
});

describe("wasm memory", () => {
  it("refuses views of another arena and of a memory that has grown since", () => {
    const k = fresh(wasmKernels, 1000);
    const out = k.f64(1);
    expect(() => k.gram(new Float32Array(4), 1, 4, 4, out)).toThrow(/outside its arena/);
    expect(() => k.gram(fresh(wasmKernels).f32(4), 1, 4, 4, out)).toThrow(/outside its arena/);
    const early = k.f32(4);
    k.reset(8 * MEGABYTE);
    expect(() => k.scale(early, 2)).toThrow(/outside its arena/);
  });

  it("computes above 2 GB, where addresses do not fit a signed 32-bit number", () => {
    const k = fresh(wasmKernels, 2.2e9);
    k.bytes(2 ** 31);
    const rows = floats(k, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(rows.byteOffset).toBeGreaterThan(2 ** 31);
    const out = k.f64(4);
    k.gram(rows, 2, 5, 5, out);
    expect([...out]).toEqual([55, 130, 130, 330]);
    const dst = k.f32(5);
    k.combine(rows, 5, [1, 0], [1, -1], dst);
    expect([...dst]).toEqual([5, 5, 5, 5, 5]);
    k.multiply(out, 1, rows, 2, 5, 5, dst, 5);
    expect([...dst]).toEqual([835, 1020, 1205, 1390, 1575]);
    const bytes = k.bytes(20);
    expect(k.narrowTransposed("BF16", rows, 2, 5, 5, bytes)).toBe(true);
    const back = k.f32(10);
    expect(k.widenTransposed("BF16", bytes, 5, 2, back, 5, 1)).toBe(true);
    expect([...back]).toEqual([...rows]);
    k.maxAbs(rows, 2, 5, 5, out);
    expect([...out.subarray(0, 2)]).toEqual([5, 10]);
  });
});
