import { bytesOf } from "../core/dtype.ts";
import { READ_ELEMENT, WRITE_ELEMENT } from "../core/elements.ts";
import { mixed } from "../core/hash.ts";
import { createArena, extentOf, requireLength, requireRows } from "./arena.ts";
import type { Kernels } from "./kernels.ts";

/** An element widened to f32, times a factor in f32. */
const timesFactor = (value: number, factor: number): number => Math.fround(Math.fround(value) * Math.fround(factor));

const dataView = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * The kernels as plain loops: they define what each kernel means and check the wasm backend. Sums of `gram` and `manhattan`
 * are f64 throughout; everything else equals the wasm backend bit for bit.
 */
export function referenceKernels(): Kernels {
  const arena = createArena(0, (end) => new ArrayBuffer(end));

  const kernels: Kernels = {
    backend: "reference",
    ...arena,

    widen(dtype, src, srcStride, rows, length, dst, stride, factor) {
      requireLength(src, extentOf(rows, srcStride, length) * bytesOf(dtype), "src");
      requireLength(dst, extentOf(rows, stride, length), "dst");
      const view = dataView(src);
      let finite = true;
      for (let r = 0; r < rows; r++) {
        for (let x = 0; x < length; x++) {
          const value = timesFactor(READ_ELEMENT[dtype](view, (r * srcStride + x) * bytesOf(dtype)), factor);
          dst[r * stride + x] = value;
          finite &&= Number.isFinite(value);
        }
      }
      return finite;
    },

    widenTransposed(dtype, src, rows, cols, dst, stride, factor) {
      requireLength(src, rows * cols * bytesOf(dtype), "src");
      requireLength(dst, extentOf(cols, stride, rows), "dst");
      const view = dataView(src);
      let finite = true;
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < cols; c++) {
          const value = timesFactor(READ_ELEMENT[dtype](view, (r * cols + c) * bytesOf(dtype)), factor);
          dst[c * stride + r] = value;
          finite &&= Number.isFinite(value);
        }
      }
      return finite;
    },

    narrow(dtype, src, dst) {
      return kernels.narrowTransposed(dtype, src, 1, src.length, src.length, dst);
    },

    narrowTransposed(dtype, src, count, stride, length, dst) {
      requireLength(src, extentOf(count, stride, length), "src");
      requireLength(dst, count * length * bytesOf(dtype), "dst");
      const view = dataView(dst);
      let finite = true;
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < length; j++) {
          const value = src[i * stride + j]!;
          const fits = WRITE_ELEMENT[dtype](view, (j * count + i) * bytesOf(dtype), value);
          finite &&= fits || !Number.isFinite(value);
        }
      }
      return finite;
    },

    gram(rows, count, stride, length, out) {
      pairs(rows, count, stride, length, out, (a, b) => a * b);
    },

    gramF64(rows, count, stride, length, out) {
      pairs(rows, count, stride, length, out, (a, b) => a * b);
    },

    cross(rows, count, stride, others, otherCount, otherStride, length, out) {
      requireLength(rows, extentOf(count, stride, length), "rows");
      requireLength(others, extentOf(otherCount, otherStride, length), "others");
      requireLength(out, count * otherCount, "out");
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < otherCount; j++) {
          let sum = out[i * otherCount + j]!;
          for (let x = 0; x < length; x++) sum += rows[i * stride + x]! * others[j * otherStride + x]!;
          out[i * otherCount + j] = sum;
        }
      }
    },

    manhattan(rows, count, stride, length, sign, out) {
      pairs(rows, count, stride, length, out, (a, b) => Math.abs(a - sign * b));
    },

    combine(rows, stride, length, sums, dst, dstStride) {
      requireRows(rows, stride, length, sums);
      const { offsets, members, coefficients } = sums;
      requireLength(dst, extentOf(offsets.length - 1, dstStride, length), "dst");
      for (let s = 0; s + 1 < offsets.length; s++) {
        for (let x = 0; x < length; x++) {
          let sum = 0;
          for (let m = offsets[s]!; m < offsets[s + 1]!; m++) {
            const product = Math.fround(coefficients[m]! * rows[members[m]! * stride + x]!);
            sum = m === offsets[s] ? product : Math.fround(sum + product);
          }
          dst[s * dstStride + x] = sum;
        }
      }
    },

    multiply(coefficients, outRows, rows, count, stride, length, dst, dstStride) {
      requireLength(coefficients, outRows * count, "coefficients");
      requireLength(rows, extentOf(count, stride, length), "rows");
      requireLength(dst, extentOf(outRows, dstStride, length), "dst");
      for (let i = 0; i < outRows; i++) {
        for (let x = 0; x < length; x++) {
          let sum = 0;
          for (let j = 0; j < count; j++) sum += coefficients[i * count + j]! * rows[j * stride + x]!;
          dst[i * dstStride + x] = sum;
        }
      }
    },

    electedMean(rows, count, stride, length, weights, { weighted, byValue, divisor }, dst) {
      requireLength(rows, extentOf(count, stride, length), "rows");
      requireLength(weights, count, "weights");
      requireLength(dst, length, "dst");
      for (let x = 0; x < length; x++) {
        const values = Array.from({ length: count }, (_, t) => rows[t * stride + x]!);
        const votes = values.map((value, t) => (weighted ? weights[t]! * value : value));
        const election = votes.reduce((sum, vote) => sum + (byValue ? vote : Math.sign(vote)), 0);
        let sum = 0;
        let shares = 0;
        for (const [t, vote] of votes.entries()) {
          if (!(election < 0 ? vote < 0 : vote > 0)) continue;
          sum += weights[t]! * values[t]!;
          shares += divisor === "weights" ? weights[t]! : 1;
        }
        dst[x] = sum / (divisor === "none" || shares === 0 ? 1 : shares);
      }
    },

    prune(row, threshold) {
      const least = Math.fround(threshold);
      let equal = 0;
      for (let x = 0; x < row.length; x++) {
        const magnitude = Math.abs(row[x]!);
        if (magnitude < least) row[x] = 0;
        else if (magnitude === least) equal++;
      }
      return equal;
    },

    countUpper(row, counts) {
      for (const bits of magnitudeBits(row)) counts[bits >>> 16]!++;
    },

    countLower(row, upper, counts) {
      for (const bits of magnitudeBits(row)) if (bits >>> 16 === upper) counts[bits & 0xffff]!++;
    },

    draw(key, first, step, draws) {
      for (let x = 0; x < draws.length; x++) draws[x] = mixed(key ^ (first + Math.imul(x, step))) >>> 1;
    },

    dropDrawn(row, draws, limit, density) {
      for (let x = 0; x < row.length; x++) row[x] = draws[x]! < limit ? row[x]! / density : 0;
    },

    ascending(row, order) {
      order.set([...row.keys()].sort((x, y) => Math.abs(row[x]!) - Math.abs(row[y]!) || x - y));
    },

    dropRanked(row, order, draws, limits, factors) {
      for (let i = 0; i < row.length; i++) {
        const x = order[i]!;
        row[x] = draws[x]! < limits[i]! ? row[x]! * factors[i]! : 0;
      }
    },

    scale(row, factor) {
      for (let x = 0; x < row.length; x++) row[x] = row[x]! * Math.fround(factor);
    },

    add(row, sums) {
      for (let x = 0; x < row.length; x++) sums[x]! += row[x]!;
    },

    maxAbs(rows, count, stride, length, out) {
      fold(rows, count, stride, length, out, (largest, x) => Math.max(largest, Math.abs(x)));
    },

    squaredNorms(rows, count, stride, length, out) {
      fold(rows, count, stride, length, out, (sum, x) => sum + x * x);
    },
  };
  return kernels;
}

function pairs(
  rows: Float32Array,
  count: number,
  stride: number,
  length: number,
  out: Float64Array,
  term: (a: number, b: number) => number,
): void {
  requireLength(rows, extentOf(count, stride, length), "rows");
  requireLength(out, count * count, "out");
  for (let i = 0; i < count; i++) {
    for (let j = i; j < count; j++) {
      let sum = out[i * count + j]!;
      for (let x = 0; x < length; x++) sum += term(rows[i * stride + x]!, rows[j * stride + x]!);
      out[i * count + j] = sum;
    }
  }
}

function fold(
  rows: Float32Array,
  count: number,
  stride: number,
  length: number,
  out: Float64Array,
  step: (sum: number, x: number) => number,
): void {
  requireLength(rows, extentOf(count, stride, length), "rows");
  requireLength(out, count, "out");
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let x = 0; x < length; x++) sum = step(sum, rows[i * stride + x]!);
    out[i] = sum;
  }
}

/** The bits of each |value|. */
function magnitudeBits(row: Float32Array): Uint32Array {
  return new Uint32Array(row.buffer, row.byteOffset, row.length).map((bits) => bits & 0x7fffffff);
}
