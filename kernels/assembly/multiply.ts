// A small f64 matrix times f32 rows.
import { SUMS, SUMS_WIDTH } from "./memory";

// @ts-ignore: decorator
@inline
function loadPair(from: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(from));
}

// @ts-ignore: decorator
@inline
function addProduct(sum: v128, coefficient: v128, value: v128): v128 {
  return f64x2.add(sum, f64x2.mul(coefficient, value));
}

/** Add `terms` (1 or 4, constant) rows, in order, to two rows of sums. `c` and `d` point at the coefficients of the two. */
// @ts-ignore: decorator
@inline
function addRows(terms: i32, c: usize, d: usize, row: usize, stride: usize, pairs: usize): void {
  const c0 = v128.load64_splat(c), d0 = v128.load64_splat(d);
  const c1 = terms == 4 ? v128.load64_splat(c, 8) : c0, d1 = terms == 4 ? v128.load64_splat(d, 8) : d0;
  const c2 = terms == 4 ? v128.load64_splat(c, 16) : c0, d2 = terms == 4 ? v128.load64_splat(d, 16) : d0;
  const c3 = terms == 4 ? v128.load64_splat(c, 24) : c0, d3 = terms == 4 ? v128.load64_splat(d, 24) : d0;
  const end = SUMS + (pairs << 4);
  for (let sums = SUMS; sums < end; sums += 16, row += 8) {
    const v0 = loadPair(row);
    let s = addProduct(v128.load(sums), c0, v0);
    let t = addProduct(v128.load(sums, SUMS_WIDTH * 8), d0, v0);
    if (terms == 4) {
      const v1 = loadPair(row + stride), v2 = loadPair(row + 2 * stride), v3 = loadPair(row + 3 * stride);
      s = addProduct(addProduct(addProduct(s, c1, v1), c2, v2), c3, v3);
      t = addProduct(addProduct(addProduct(t, d1, v1), d2, v2), d3, v3);
    }
    v128.store(sums, s);
    v128.store(sums, t, SUMS_WIDTH * 8);
  }
}

function storeSums(sums: usize, to: usize, pairs: usize): void {
  const end = sums + (pairs << 4);
  for (; sums < end; sums += 16, to += 8) v128.store64_lane(to, f32x4.demote_f64x2_zero(v128.load(sums)), 0);
}

/** The single column that pairs of columns leave over. */
function multiplyColumn(
  coefficients: usize, outRows: usize, column: usize, count: usize, stride: usize, to: usize, toStride: usize,
): void {
  for (let i: usize = 0; i < outRows; i++) {
    let sum: f64 = 0;
    for (let j: usize = 0; j < count; j++) {
      sum += load<f64>(coefficients + ((i * count + j) << 3)) * f64(load<f32>(column + j * stride));
    }
    store<f32>(to + i * toStride, f32(sum));
  }
}

/** dst[i, x] = sum_j c[i, j] rows_j[x], j in order, in f64, rounded to f32 once; strides in bytes. */
export function multiply(
  coefficients: usize, outRows: usize, rows: usize, count: usize, stride: usize, length: usize,
  to: usize, toStride: usize,
): void {
  const even = length & ~1;
  for (let x: usize = 0; x < even; x += SUMS_WIDTH) {
    const pairs = min(SUMS_WIDTH, even - x) >> 1;
    const left = rows + (x << 2);
    for (let i: usize = 0; i < outRows; i += 2) {
      // An odd last row is its own partner and is computed twice.
      const partner = min(i + 1, outRows - 1);
      const c = coefficients + (i * count << 3);
      const d = coefficients + (partner * count << 3);
      memory.fill(SUMS, 0, SUMS_WIDTH * 16);
      let j: usize = 0;
      for (; j + 4 <= count; j += 4) addRows(4, c + (j << 3), d + (j << 3), left + j * stride, stride, pairs);
      for (; j < count; j++) addRows(1, c + (j << 3), d + (j << 3), left + j * stride, stride, pairs);
      storeSums(SUMS, to + i * toStride + (x << 2), pairs);
      storeSums(SUMS + SUMS_WIDTH * 8, to + partner * toStride + (x << 2), pairs);
    }
  }
  if (length & 1) {
    const last = (length - 1) << 2;
    multiplyColumn(coefficients, outRows, rows + last, count, stride, to + last, toStride);
  }
}
