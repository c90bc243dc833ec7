// Weighted sums of listed rows in f32: cluster centres, averages.
import { LIST_COEFFICIENTS, LIST_ROWS } from "./memory";

// @ts-ignore: decorator
@inline
function rowOf(member: usize): usize {
  return load<u32>(LIST_ROWS + (member << 2));
}

// @ts-ignore: decorator
@inline
function coefficientOf(member: usize): v128 {
  return v128.load32_splat(LIST_COEFFICIENTS + (member << 2));
}

/**
 * dst[x] = sum_m c_m row_m[x] over the listed rows in their order, every product and sum rounded to f32. Unless `fresh`, the sum
 * starts from dst, so a longer list comes in pieces. The first product starts the sum: 0 + -0 would lose a sign.
 */
export function combine(members: usize, to: usize, length: usize, fresh: i32): void {
  const whole = (length & ~15) << 2;
  const end = length << 2;
  let x: usize = 0;
  for (; x < whole; x += 64) {
    let m: usize = 0;
    let s0: v128, s1: v128, s2: v128, s3: v128;
    if (fresh) {
      const row = rowOf(0) + x;
      const c = coefficientOf(0);
      s0 = f32x4.mul(c, v128.load(row));
      s1 = f32x4.mul(c, v128.load(row, 16));
      s2 = f32x4.mul(c, v128.load(row, 32));
      s3 = f32x4.mul(c, v128.load(row, 48));
      m = 1;
    } else {
      s0 = v128.load(to + x);
      s1 = v128.load(to + x, 16);
      s2 = v128.load(to + x, 32);
      s3 = v128.load(to + x, 48);
    }
    for (; m < members; m++) {
      const row = rowOf(m) + x;
      const c = coefficientOf(m);
      s0 = f32x4.add(s0, f32x4.mul(c, v128.load(row)));
      s1 = f32x4.add(s1, f32x4.mul(c, v128.load(row, 16)));
      s2 = f32x4.add(s2, f32x4.mul(c, v128.load(row, 32)));
      s3 = f32x4.add(s3, f32x4.mul(c, v128.load(row, 48)));
    }
    v128.store(to + x, s0);
    v128.store(to + x, s1, 16);
    v128.store(to + x, s2, 32);
    v128.store(to + x, s3, 48);
  }
  for (; x < end; x += 4) {
    let m: usize = 0;
    let s: f32;
    if (fresh) {
      s = load<f32>(LIST_COEFFICIENTS) * load<f32>(rowOf(0) + x);
      m = 1;
    } else {
      s = load<f32>(to + x);
    }
    for (; m < members; m++) s += load<f32>(LIST_COEFFICIENTS + (m << 2)) * load<f32>(rowOf(m) + x);
    store<f32>(to + x, s);
  }
}
