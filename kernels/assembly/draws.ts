// Random numbers that depend on a key and an index alone, and what DARE does with them.

/** MurmurHash3's finalizer (Appleby, public domain). */
// @ts-ignore: decorator
@inline
function mixed(h: v128): v128 {
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 16)), i32x4.splat(0x85ebca6b));
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), i32x4.splat(0xc2b2ae35));
  return v128.xor(h, i32x4.shr_u(h, 16));
}

/** to[x] = the upper 31 bits of the hash of key ^ (first + x * step). */
export function draw(key: i32, first: i32, step: i32, length: usize, to: usize): void {
  const keys = i32x4.splat(key), ahead = i32x4.splat(4 * step);
  let index = i32x4.add(i32x4.splat(first), i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(step)));
  const end = to + (length << 2);
  for (; to + 16 <= end; to += 16, index = i32x4.add(index, ahead)) {
    v128.store(to, i32x4.shr_u(mixed(v128.xor(keys, index)), 1));
  }
  const last = i32x4.shr_u(mixed(v128.xor(keys, index)), 1);
  if (to < end) v128.store32_lane(to, last, 0);
  if (to + 4 < end) v128.store32_lane(to + 4, last, 1);
  if (to + 8 < end) v128.store32_lane(to + 8, last, 2);
}

/** Four values divided in f64 and rounded once, 0 where the draw is not below the limit. */
// @ts-ignore: decorator
@inline
function kept(v: v128, draws: v128, limit: v128, density: v128): v128 {
  const low = f64x2.div(f64x2.promote_low_f32x4(v), density);
  const high = f64x2.div(f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 0)), density);
  const divided = v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
  return v128.and(divided, i32x4.lt_u(draws, limit));
}

/** row[x] becomes row[x] / density where draws[x] < limit, and 0 elsewhere. */
export function dropDrawn(row: usize, length: usize, draws: usize, limit: u32, density: f64): void {
  const most = i32x4.splat(i32(limit)), by = f64x2.splat(density);
  const end = row + (length << 2);
  for (; row + 16 <= end; row += 16, draws += 16) v128.store(row, kept(v128.load(row), v128.load(draws), most, by));
  for (; row < end; row += 4, draws += 4) {
    v128.store32_lane(row, kept(v128.load32_zero(row), v128.load32_zero(draws), most, by), 0);
  }
}
