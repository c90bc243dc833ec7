// Stored elements -> f32 rows, straight and transposed.
import { BF16, F16, F32, F64, F8_E4M3, F8_E5M2, allFinite, bytesOf, load4, magnitudeBits } from "./elements";
import { EDGE_IN, EDGE_OUT, copyFewBytes } from "./memory";
import { transposed } from "./transpose";

// @ts-ignore: decorator
@inline
function widenRow(dtype: i32, from: usize, length: usize, to: usize, scale: v128): v128 {
  let largest = i32x4.splat(0);
  const whole = to + ((length & ~3) << 2);
  while (to < whole) {
    const v = f32x4.mul(load4(dtype, from), scale);
    largest = i32x4.max_s(largest, magnitudeBits(v));
    v128.store(to, v);
    from += 4 * bytesOf(dtype);
    to += 16;
  }
  const rest = length & 3;
  if (rest) {
    memory.fill(EDGE_IN, 0, 4 * bytesOf(dtype));
    copyFewBytes(EDGE_IN, from, rest * bytesOf(dtype));
    const v = f32x4.mul(load4(dtype, EDGE_IN), scale);
    largest = i32x4.max_s(largest, magnitudeBits(v));
    v128.store(EDGE_OUT, v);
    copyFewBytes(to, EDGE_OUT, rest << 2);
  }
  return largest;
}

// @ts-ignore: decorator
@inline
function widenAs(
  dtype: i32, from: usize, fromStride: usize, rows: usize, length: usize, to: usize, toStride: usize, factor: f32,
): i32 {
  const scale = f32x4.splat(factor);
  let largest = i32x4.splat(0);
  for (let r: usize = 0; r < rows; r++) {
    largest = i32x4.max_s(largest, widenRow(dtype, from + r * fromStride, length, to + r * toStride, scale));
  }
  return allFinite(largest);
}

/** dst[r, x] = f32(src[r, x]) * factor, strides in bytes; 1 when every product is finite. */
export function widen(
  dtype: i32, from: usize, fromStride: usize, rows: usize, length: usize, to: usize, toStride: usize, factor: f32,
): i32 {
  switch (dtype) {
    case F64: return widenAs(F64, from, fromStride, rows, length, to, toStride, factor);
    case F32: return widenAs(F32, from, fromStride, rows, length, to, toStride, factor);
    case F16: return widenAs(F16, from, fromStride, rows, length, to, toStride, factor);
    case BF16: return widenAs(BF16, from, fromStride, rows, length, to, toStride, factor);
    case F8_E4M3: return widenAs(F8_E4M3, from, fromStride, rows, length, to, toStride, factor);
    default: return widenAs(F8_E5M2, from, fromStride, rows, length, to, toStride, factor);
  }
}

/** A 4 x 4 block; the strides are in bytes. Returns the lane maxima of the magnitude bits. */
// @ts-ignore: decorator
@inline
function widenBlock(dtype: i32, from: usize, fromStride: usize, to: usize, toStride: usize, scale: v128): v128 {
  const a = f32x4.mul(load4(dtype, from), scale);
  const b = f32x4.mul(load4(dtype, from + fromStride), scale);
  const c = f32x4.mul(load4(dtype, from + 2 * fromStride), scale);
  const d = f32x4.mul(load4(dtype, from + 3 * fromStride), scale);
  v128.store(to, transposed(0, a, b, c, d));
  v128.store(to + toStride, transposed(1, a, b, c, d));
  v128.store(to + 2 * toStride, transposed(2, a, b, c, d));
  v128.store(to + 3 * toStride, transposed(3, a, b, c, d));
  return i32x4.max_s(
    i32x4.max_s(magnitudeBits(a), magnitudeBits(b)),
    i32x4.max_s(magnitudeBits(c), magnitudeBits(d)),
  );
}

/** A block of fewer rows or columns, staged so that the same code computes it. One copy for all types: it is rare. */
function widenEdge(
  dtype: i32, from: usize, fromStride: usize, rows: usize, cols: usize, to: usize, toStride: usize, scale: v128,
): v128 {
  const size = bytesOf(dtype);
  memory.fill(EDGE_IN, 0, 128);
  for (let r: usize = 0; r < rows; r++) copyFewBytes(EDGE_IN + r * 32, from + r * fromStride, cols * size);
  let largest: v128;
  switch (dtype) {
    case F64: { largest = widenBlock(F64, EDGE_IN, 32, EDGE_OUT, 16, scale); break; }
    case F32: { largest = widenBlock(F32, EDGE_IN, 32, EDGE_OUT, 16, scale); break; }
    case F16: { largest = widenBlock(F16, EDGE_IN, 32, EDGE_OUT, 16, scale); break; }
    case BF16: { largest = widenBlock(BF16, EDGE_IN, 32, EDGE_OUT, 16, scale); break; }
    case F8_E4M3: { largest = widenBlock(F8_E4M3, EDGE_IN, 32, EDGE_OUT, 16, scale); break; }
    default: largest = widenBlock(F8_E5M2, EDGE_IN, 32, EDGE_OUT, 16, scale);
  }
  for (let c: usize = 0; c < cols; c++) copyFewBytes(to + c * toStride, EDGE_OUT + c * 16, rows << 2);
  return largest;
}

// @ts-ignore: decorator
@inline
function widenTransposedAs(
  dtype: i32, from: usize, rows: usize, cols: usize, to: usize, toStride: usize, factor: f32,
): i32 {
  const scale = f32x4.splat(factor);
  const fromStride = cols * bytesOf(dtype);
  let largest = i32x4.splat(0);
  // Sixteen source rows make one cache line of each result row: it is written whole before the next one is touched.
  for (let top: usize = 0; top < rows; top += 16) {
    const bottom = min(top + 16, rows);
    for (let c: usize = 0; c < cols; c += 4) {
      for (let r = top; r < bottom; r += 4) {
        const source = from + r * fromStride + c * bytesOf(dtype);
        const target = to + c * toStride + (r << 2);
        const block = r + 4 <= rows && c + 4 <= cols
          ? widenBlock(dtype, source, fromStride, target, toStride, scale)
          : widenEdge(dtype, source, fromStride, min(rows - r, 4), min(cols - c, 4), target, toStride, scale);
        largest = i32x4.max_s(largest, block);
      }
    }
  }
  return allFinite(largest);
}

/** dst[c * stride + r] = f32(src[r * cols + c]) * factor, `toStride` in bytes; 1 when every product is finite. */
export function widenTransposed(
  dtype: i32, from: usize, rows: usize, cols: usize, to: usize, toStride: usize, factor: f32,
): i32 {
  switch (dtype) {
    case F64: return widenTransposedAs(F64, from, rows, cols, to, toStride, factor);
    case F32: return widenTransposedAs(F32, from, rows, cols, to, toStride, factor);
    case F16: return widenTransposedAs(F16, from, rows, cols, to, toStride, factor);
    case BF16: return widenTransposedAs(BF16, from, rows, cols, to, toStride, factor);
    case F8_E4M3: return widenTransposedAs(F8_E4M3, from, rows, cols, to, toStride, factor);
    default: return widenTransposedAs(F8_E5M2, from, rows, cols, to, toStride, factor);
  }
}
