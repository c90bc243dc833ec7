// Weighted sums of listed rows in f32: cluster centres, averages.

/** Four f32 sums times four: sixteen columns of one sum, over the members from `m` up to `end` (addresses of a list's entries). */
// @ts-ignore: decorator
@inline
function sumSixteen(rows: usize, stride: usize, m: usize, c: usize, end: usize, to: usize): void {
  let row = rows + <usize>load<u32>(m) * stride;
  let factor = v128.load32_splat(c);
  let s0 = f32x4.mul(factor, v128.load(row));
  let s1 = f32x4.mul(factor, v128.load(row, 16));
  let s2 = f32x4.mul(factor, v128.load(row, 32));
  let s3 = f32x4.mul(factor, v128.load(row, 48));
  for (m += 4, c += 4; m < end; m += 4, c += 4) {
    row = rows + <usize>load<u32>(m) * stride;
    factor = v128.load32_splat(c);
    s0 = f32x4.add(s0, f32x4.mul(factor, v128.load(row)));
    s1 = f32x4.add(s1, f32x4.mul(factor, v128.load(row, 16)));
    s2 = f32x4.add(s2, f32x4.mul(factor, v128.load(row, 32)));
    s3 = f32x4.add(s3, f32x4.mul(factor, v128.load(row, 48)));
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
}

// @ts-ignore: decorator
@inline
function sumOne(rows: usize, stride: usize, m: usize, c: usize, end: usize): f32 {
  let sum = load<f32>(c) * load<f32>(rows + <usize>load<u32>(m) * stride);
  for (m += 4, c += 4; m < end; m += 4, c += 4) sum += load<f32>(c) * load<f32>(rows + <usize>load<u32>(m) * stride);
  return sum;
}

/**
 * dst[s, x] = sum_m coefficients[m] rows[members[m]][x] for m from offsets[s] up to offsets[s + 1], in that order, every product and
 * sum rounded to f32; strides in bytes. The first product starts the sum: 0 + -0 would lose a sign.
 */
export function combine(
  rows: usize, stride: usize, length: usize, sums: usize, offsets: usize, members: usize, coefficients: usize,
  to: usize, toStride: usize,
): void {
  const whole = (length & ~15) << 2;
  const all = length << 2;
  for (let s: usize = 0; s < sums; s++, to += toStride) {
    const first = <usize>load<u32>(offsets + (s << 2)) << 2;
    const m = members + first;
    const c = coefficients + first;
    const end = members + (<usize>load<u32>(offsets + (s << 2), 4) << 2);
    if (m == end) {
      memory.fill(to, 0, all);
      continue;
    }
    for (let x: usize = 0; x < whole; x += 64) sumSixteen(rows + x, stride, m, c, end, to + x);
    for (let x = whole; x < all; x += 4) store<f32>(to + x, sumOne(rows + x, stride, m, c, end));
  }
}
