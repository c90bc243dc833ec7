// One pass over rows.
import { magnitudeBits } from "./elements";

/** row[x] *= factor. */
export function scale(row: usize, length: usize, factor: f32): void {
  const f = f32x4.splat(factor);
  const end = row + (length << 2);
  for (; row + 16 <= end; row += 16) v128.store(row, f32x4.mul(v128.load(row), f));
  for (; row < end; row += 4) store<f32>(row, load<f32>(row) * factor);
}

/** sums[x] += row[x], each sum in f64. */
export function add(row: usize, length: usize, sums: usize): void {
  const end = row + (length << 2);
  for (; row + 16 <= end; row += 16, sums += 32) {
    const v = v128.load(row);
    const upper = v128.shuffle<i64>(v, v, 1, 0);
    v128.store(sums, f64x2.add(v128.load(sums), f64x2.promote_low_f32x4(v)));
    v128.store(sums, f64x2.add(v128.load(sums, 16), f64x2.promote_low_f32x4(upper)), 16);
  }
  for (; row < end; row += 4, sums += 8) store<f64>(sums, load<f64>(sums) + f64(load<f32>(row)));
}

/** Four elements, 0 for those whose magnitude is below the threshold. */
// @ts-ignore: decorator
@inline
function pruned(v: v128, threshold: v128): v128 {
  return v128.and(v, f32x4.ge(f32x4.abs(v), threshold));
}

/** row[x] becomes 0 where |row[x]| < threshold; returns how many |row[x]| equal it. */
export function prune(row: usize, length: usize, threshold: f32): i32 {
  const least = f32x4.splat(threshold);
  const end = row + (length << 2);
  let equal = i32x4.splat(0);
  for (; row + 16 <= end; row += 16) {
    const v = v128.load(row);
    equal = i32x4.sub(equal, f32x4.eq(f32x4.abs(v), least));
    v128.store(row, pruned(v, least));
  }
  for (; row < end; row += 4) {
    const v = v128.load32_splat(row);
    equal = i32x4.sub(equal, v128.and(f32x4.eq(f32x4.abs(v), least), i32x4(-1, 0, 0, 0)));
    v128.store32_lane(row, pruned(v, least), 0);
  }
  return i32x4.extract_lane(equal, 0) + i32x4.extract_lane(equal, 1) + i32x4.extract_lane(equal, 2) + i32x4.extract_lane(equal, 3);
}

/** The largest |element|, found by comparing bits as integers: exact, and a NaN wins over everything. */
// @ts-ignore: decorator
@inline
function maxAbsOf(row: usize, length: usize): f64 {
  let largest = i32x4.splat(0);
  const end = row + (length << 2);
  for (; row + 16 <= end; row += 16) largest = i32x4.max_s(largest, magnitudeBits(v128.load(row)));
  for (; row < end; row += 4) largest = i32x4.max_s(largest, magnitudeBits(v128.load32_zero(row)));
  largest = i32x4.max_s(largest, v128.shuffle<i64>(largest, largest, 1, 0));
  largest = i32x4.max_s(largest, v128.shuffle<i32>(largest, largest, 1, 0, 3, 2));
  return f64(f32x4.extract_lane(largest, 0));
}

/** out[i] = the largest |element| of row i; `stride` in bytes. */
export function maxAbs(rows: usize, count: usize, stride: usize, length: usize, out: usize): void {
  for (let i: usize = 0; i < count; i++) store<f64>(out + (i << 3), maxAbsOf(rows + i * stride, length));
}

/** The sum of squares, in f64. */
// @ts-ignore: decorator
@inline
function squaredNormOf(row: usize, length: usize): f64 {
  let even = f64x2.splat(0), odd = f64x2.splat(0);
  const end = row + (length << 2);
  for (; row + 16 <= end; row += 16) {
    const low = f64x2.promote_low_f32x4(v128.load64_zero(row));
    const high = f64x2.promote_low_f32x4(v128.load64_zero(row, 8));
    even = f64x2.add(even, f64x2.mul(low, low));
    odd = f64x2.add(odd, f64x2.mul(high, high));
  }
  for (; row < end; row += 4) {
    const v = f64x2.promote_low_f32x4(v128.load32_zero(row));
    even = f64x2.add(even, f64x2.mul(v, v));
  }
  const sum = f64x2.add(even, odd);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** out[i] = the sum of squares of row i, in f64; `stride` in bytes. */
export function squaredNorms(rows: usize, count: usize, stride: usize, length: usize, out: usize): void {
  for (let i: usize = 0; i < count; i++) store<f64>(out + (i << 3), squaredNormOf(rows + i * stride, length));
}
