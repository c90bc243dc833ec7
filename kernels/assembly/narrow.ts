// f32 rows -> stored elements, straight and transposed.
import { BF16, F16, F32, bytesOf, overflows, store4 } from "./elements";
import { EDGE_IN, EDGE_OUT, copyFewBytes } from "./memory";
import { transposed } from "./transpose";

// @ts-ignore: decorator
@inline
function narrowAs(dtype: i32, from: usize, to: usize, length: usize): i32 {
  let bad = i32x4.splat(0);
  const whole = from + ((length & ~3) << 2);
  while (from < whole) {
    const v = v128.load(from);
    bad = v128.or(bad, overflows(dtype, v));
    store4(dtype, to, v);
    from += 16;
    to += 4 * bytesOf(dtype);
  }
  const rest = length & 3;
  if (rest) {
    v128.store(EDGE_IN, i32x4.splat(0));
    copyFewBytes(EDGE_IN, from, rest << 2);
    const v = v128.load(EDGE_IN);
    bad = v128.or(bad, overflows(dtype, v));
    store4(dtype, EDGE_OUT, v);
    copyFewBytes(to, EDGE_OUT, rest * bytesOf(dtype));
  }
  return i32(!v128.any_true(bad));
}

/** dst[i] = src[i] in `dtype`; 1 when every finite element stayed finite. */
export function narrow(dtype: i32, from: usize, to: usize, length: usize): i32 {
  switch (dtype) {
    case F32: {
      memory.copy(to, from, length << 2);
      return 1;
    }
    case F16: return narrowAs(F16, from, to, length);
    default: return narrowAs(BF16, from, to, length);
  }
}

/** A 4 x 4 block; the strides are in bytes. Returns the lanes that overflowed. */
// @ts-ignore: decorator
@inline
function narrowBlock(dtype: i32, from: usize, fromStride: usize, to: usize, toStride: usize): v128 {
  const a = v128.load(from);
  const b = v128.load(from + fromStride);
  const c = v128.load(from + 2 * fromStride);
  const d = v128.load(from + 3 * fromStride);
  store4(dtype, to, transposed(0, a, b, c, d));
  store4(dtype, to + toStride, transposed(1, a, b, c, d));
  store4(dtype, to + 2 * toStride, transposed(2, a, b, c, d));
  store4(dtype, to + 3 * toStride, transposed(3, a, b, c, d));
  return v128.or(v128.or(overflows(dtype, a), overflows(dtype, b)), v128.or(overflows(dtype, c), overflows(dtype, d)));
}

/** A block of fewer rows or columns, staged so that the same code computes it. One copy for all types: it is rare. */
function narrowEdge(
  dtype: i32, from: usize, fromStride: usize, rows: usize, cols: usize, to: usize, toStride: usize,
): v128 {
  const size = bytesOf(dtype);
  memory.fill(EDGE_IN, 0, 128);
  for (let r: usize = 0; r < rows; r++) copyFewBytes(EDGE_IN + r * 32, from + r * fromStride, cols << 2);
  let bad: v128;
  switch (dtype) {
    case F32: { bad = narrowBlock(F32, EDGE_IN, 32, EDGE_OUT, 16); break; }
    case F16: { bad = narrowBlock(F16, EDGE_IN, 32, EDGE_OUT, 16); break; }
    default: bad = narrowBlock(BF16, EDGE_IN, 32, EDGE_OUT, 16);
  }
  for (let c: usize = 0; c < cols; c++) copyFewBytes(to + c * toStride, EDGE_OUT + c * 16, rows * size);
  return bad;
}

// @ts-ignore: decorator
@inline
function narrowTransposedAs(dtype: i32, from: usize, rows: usize, fromStride: usize, length: usize, to: usize): i32 {
  const toStride = rows * bytesOf(dtype);
  let bad = i32x4.splat(0);
  // One cache line of each source row at a time.
  for (let left: usize = 0; left < length; left += 16) {
    const right = min(left + 16, length);
    for (let r: usize = 0; r < rows; r += 4) {
      for (let c = left; c < right; c += 4) {
        const source = from + r * fromStride + (c << 2);
        const target = to + c * toStride + r * bytesOf(dtype);
        const block = r + 4 <= rows && c + 4 <= length
          ? narrowBlock(dtype, source, fromStride, target, toStride)
          : narrowEdge(dtype, source, fromStride, min(rows - r, 4), min(length - c, 4), target, toStride);
        bad = v128.or(bad, block);
      }
    }
  }
  return i32(!v128.any_true(bad));
}

/** dst[j * rows + i] = src row i, element j, `fromStride` in bytes; 1 when every finite element stayed finite. */
export function narrowTransposed(
  dtype: i32, from: usize, rows: usize, fromStride: usize, length: usize, to: usize,
): i32 {
  switch (dtype) {
    case F32: return narrowTransposedAs(F32, from, rows, fromStride, length, to);
    case F16: return narrowTransposedAs(F16, from, rows, fromStride, length, to);
    default: return narrowTransposedAs(BF16, from, rows, fromStride, length, to);
  }
}
