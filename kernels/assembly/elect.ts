// TIES' vote and mean: per column the sign of the sum of all votes, and the mean or sum of the values whose votes have it.

/** What the sum is divided by: nothing, how many rows agree, or their weights. */
const COUNT = 1, WEIGHTS = 2;

// @ts-ignore: decorator
@inline
function load(whole: i32, from: usize): v128 {
  return f64x2.promote_low_f32x4(whole ? v128.load64_zero(from) : v128.load32_zero(from));
}

/** 1, 0 or -1 by lane. */
// @ts-ignore: decorator
@inline
function signs(v: v128): v128 {
  const zero = f64x2.splat(0), one = f64x2.splat(1);
  return f64x2.sub(v128.and(f64x2.gt(v, zero), one), v128.and(f64x2.lt(v, zero), one));
}

/** Two columns, or the last one alone (`whole` 0), from the address of the first row's entries; all flags are constants. */
// @ts-ignore: decorator
@inline
function electPair(
  weighted: i32, byValue: i32, divide: i32, whole: i32, first: usize, end: usize, stride: usize, weights: usize,
): v128 {
  const zero = f64x2.splat(0), one = f64x2.splat(1);
  let election = zero;
  for (let row = first, w = weights; row < end; row += stride, w += 8) {
    const vote = weighted ? f64x2.mul(v128.load64_splat(w), load(whole, row)) : load(whole, row);
    election = f64x2.add(election, byValue ? vote : signs(vote));
  }
  const minus = f64x2.lt(election, zero);
  let sum = zero, divisor = zero;
  for (let row = first, w = weights; row < end; row += stride, w += 8) {
    const weight = v128.load64_splat(w);
    const value = load(whole, row);
    const product = f64x2.mul(weight, value);
    const vote = weighted ? product : value;
    const agrees = v128.bitselect(f64x2.lt(vote, zero), f64x2.gt(vote, zero), minus);
    sum = f64x2.add(sum, v128.and(product, agrees));
    if (divide) divisor = f64x2.add(divisor, v128.and(divide == WEIGHTS ? weight : one, agrees));
  }
  if (!divide) return f32x4.demote_f64x2_zero(sum);
  divisor = v128.bitselect(one, divisor, f64x2.eq(divisor, zero));
  return f32x4.demote_f64x2_zero(f64x2.div(sum, divisor));
}

// @ts-ignore: decorator
@inline
function electAs(
  weighted: i32, byValue: i32, divide: i32,
  rows: usize, count: usize, stride: usize, length: usize, weights: usize, to: usize,
): void {
  const even = to + ((length & ~1) << 2);
  const all = count * stride;
  for (; to < even; rows += 8, to += 8) {
    v128.store64_lane(to, electPair(weighted, byValue, divide, 1, rows, rows + all, stride, weights), 0);
  }
  if (length & 1) v128.store32_lane(to, electPair(weighted, byValue, divide, 0, rows, rows + all, stride, weights), 0);
}

// @ts-ignore: decorator
@inline
function electBy(
  weighted: i32, byValue: i32, divide: i32,
  rows: usize, count: usize, stride: usize, length: usize, weights: usize, to: usize,
): void {
  if (divide == COUNT) electAs(weighted, byValue, COUNT, rows, count, stride, length, weights, to);
  else if (divide) electAs(weighted, byValue, WEIGHTS, rows, count, stride, length, weights, to);
  else electAs(weighted, byValue, 0, rows, count, stride, length, weights, to);
}

/**
 * dst[x] = the sum of w_t rows_t[x] over the rows whose vote has the elected sign, divided by nothing (`divide` 0), by the number of those
 * rows (1), or by the sum of their w_t (2). Votes are rows_t[x], or w_t rows_t[x] (`weighted`), and elect by their sum or by that of their
 * signs (`byValue` 0), zero as plus. `stride` in bytes.
 */
export function electedMean(
  rows: usize, count: usize, stride: usize, length: usize, weights: usize,
  weighted: i32, byValue: i32, divide: i32, to: usize,
): void {
  if (weighted) {
    if (byValue) electBy(1, 1, divide, rows, count, stride, length, weights, to);
    else electBy(1, 0, divide, rows, count, stride, length, weights, to);
  } else if (byValue) electBy(0, 1, divide, rows, count, stride, length, weights, to);
  else electBy(0, 0, divide, rows, count, stride, length, weights, to);
}
