import { describe, expect, it } from "vitest";
import { bytesOf, type OutputDtype } from "../../src/core/dtype.ts";
import { type Random, seededRandom } from "../../src/core/random.ts";
import type { Kernels } from "../../src/kernels/kernels.ts";
import { referenceKernels } from "../../src/kernels/reference.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import {
  combineOne,
  differences,
  encoded,
  FACTOR_DTYPES,
  floats,
  MEGABYTE,
  SENTINEL,
  shifted,
  weights,
  wholeMatrix,
  widenAll,
} from "../support/kernels.ts";

const OUTPUT_DTYPES: OutputDtype[] = ["F32", "F16", "BF16"];

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
        const inner = k.f32(count * stride + 9).fill(SENTINEL);
        const tall = k.f32(length * (count + 5) + 9).fill(SENTINEL);
        const flags = [
          widenAll(k, dtype, src, straight.subarray(1, 1 + count * length), factor),
          k.widen(dtype, src, length, count, length - 1, inner, stride, factor),
          k.widenTransposed(dtype, src, length, count, wide, stride, factor),
          k.widenTransposed(dtype, src, count, length, tall, count + 5, 1),
        ];
        return { views: [straight, inner, wide, tall], flags };
      });
      expect(actual.flags).toEqual([true, true, true, true]);
      expect(expected.flags).toEqual([true, true, true, true]);
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
        return [
          wholeMatrix(k, count, (out) => k.gram(rows, count, stride, length, out)),
          wholeMatrix(k, count, (out) => k.gramF64(rows, count, stride, length, out)),
          wholeMatrix(k, count, (out) => k.manhattan(rows, count, stride, length, 1, out)),
          wholeMatrix(k, count, (out) => k.manhattan(rows, count, stride, length, -1, out)),
        ];
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
    }
  });

  it("agrees on cross to 1e-12 of the norms, for any two numbers of rows, and writes nothing else", () => {
    for (const { random, count, length, stride } of [
      ...shapes(18, 40),
      ...[127, 128, 131].map((count) => ({ ...shapes(19, 1)[0]!, count, length: 300, stride: 301 })),
    ]) {
      const others = 1 + random.below(140);
      const values = [weights(random, count * stride), weights(random, others * (stride + 1))] as const;
      const [actual, expected] = both((k) => {
        const out = k.f64(count * others + 4).fill(SENTINEL);
        out.fill(0, 0, count * others);
        k.cross(floats(k, values[0]), count, stride, floats(k, values[1]), others, stride + 1, length, out);
        return out;
      });
      const norm = (rows: Float32Array, at: number): number => Math.hypot(...rows.subarray(at, at + length));
      const bad = [...expected].filter((value, cell) => {
        const [i, j] = [Math.floor(cell / others), cell % others];
        if (i >= count) return actual[cell] !== SENTINEL;
        return (
          Math.abs(actual[cell]! - value) > 1e-12 * norm(values[0], i * stride) * norm(values[1], j * (stride + 1))
        );
      });
      expect(bad, `${count} x ${others} x ${length}`).toEqual([]);
    }
  });

  it("elects signs bit for bit, whatever the vote, and writes nothing else", () => {
    for (const { random, count, length, stride } of shapes(21, 40)) {
      const values = weights(random, count * stride);
      const factors = Float64Array.from({ length: count }, () => random.below(5) - 2);
      for (const weighted of [false, true]) {
        for (const byValue of [false, true]) {
          for (const divisor of ["none", "count", "weights"] as const) {
            const [actual, expected] = both((k) => {
              const shares = k.f64(count);
              shares.set(factors);
              const merged = k.f32(length + 9).fill(SENTINEL);
              const into = merged.subarray(1, 1 + length);
              k.electedMean(floats(k, values), count, stride, length, shares, { weighted, byValue, divisor }, into);
              return merged;
            });
            expect(differences(actual, expected)).toEqual([]);
          }
        }
      }
    }
  });

  it("combines, multiplies, scales, prunes, draws, counts and takes maxima bit for bit, squared norms to 1e-12", () => {
    for (const { random, count, length, stride } of shapes(16, 66)) {
      const values = weights(random, count * stride);
      const members = Array.from({ length: random.below(2 * count) }, () => random.below(count));
      const coefficients = members.map(() => random.uniform() * 2 - 1);
      const outRows = 1 + random.below(9);
      const matrix = Float64Array.from({ length: outRows * count }, () => random.uniform() - 0.5);
      const [actual, expected] = both((k) => {
        const rows = floats(k, values);
        const combined = k.f32(length + 9).fill(SENTINEL);
        combineOne(k, rows, stride, members, coefficients, combined.subarray(1, 1 + length));
        const factors = k.f64(matrix.length);
        factors.set(matrix);
        const product = k.f32(outRows * stride + 9).fill(SENTINEL);
        k.multiply(factors, outRows, rows, count, stride, length, product, stride);
        const largest = k.f64(count + 2).fill(SENTINEL);
        k.maxAbs(rows, count, stride, length, largest);
        const norms = k.f64(count + 2).fill(SENTINEL);
        k.squaredNorms(rows, count, stride, length, norms);
        const pruned = floats(k, values);
        const ties = pruned.subarray(1);
        const equal = k.f64(1).fill(k.prune(ties, Math.abs(values[0]!)));
        k.scale(rows.subarray(1), 0.3);
        const draws = k.u32(values.length + 1).fill(SENTINEL);
        k.draw(count * 0x9e3779b1, length, stride, draws.subarray(1));
        const dropped = floats(k, values);
        k.dropDrawn(dropped.subarray(1), draws.subarray(1), 2 ** 30, 0.7);
        const counts = [k.u32(2 ** 15).fill(0), k.u32(2 ** 16).fill(0)] as const;
        k.countUpper(rows.subarray(1), counts[0]);
        k.countLower(rows.subarray(1), counts[0].indexOf(Math.max(...counts[0])), counts[1]);
        const sums = k.f64(rows.length).fill(1 / 3);
        k.add(rows.subarray(1), sums.subarray(1));
        return { exact: [combined, sums, product, largest, rows, pruned, equal, draws, dropped, ...counts], norms };
      });
      actual.exact.forEach((view, i) => {
        expect(differences(view, expected.exact[i]!)).toEqual([]);
      });
      const bad = [...actual.norms].filter((x, i) => !(Math.abs(x - expected.norms[i]!) <= 1e-12 * expected.norms[i]!));
      expect(bad).toEqual([]);
    }
  });
});
