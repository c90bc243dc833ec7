// Four elements of any stored type <-> one f32x4. `dtype` is a constant at every call, so that
// each loop compiles to its own branch.

// @ts-ignore: decorator
@inline export const F64: i32 = 0;
// @ts-ignore: decorator
@inline export const F32: i32 = 1;
// @ts-ignore: decorator
@inline export const F16: i32 = 2;
// @ts-ignore: decorator
@inline export const BF16: i32 = 3;
// @ts-ignore: decorator
@inline export const F8_E4M3: i32 = 4;
// @ts-ignore: decorator
@inline export const F8_E5M2: i32 = 5;

// @ts-ignore: decorator
@inline const F32_INFINITY: i32 = 0x7f800000;

// @ts-ignore: decorator
@inline
export function bytesOf(dtype: i32): usize {
  return dtype == F64 ? 8 : dtype == F32 ? 4 : dtype == F16 || dtype == BF16 ? 2 : 1;
}

// @ts-ignore: decorator
@inline
export function magnitudeBits(v: v128): v128 {
  return v128.and(v, i32x4.splat(0x7fffffff));
}

/** Whether no lane of a running i32 maximum of magnitude bits reached Inf or NaN. */
// @ts-ignore: decorator
@inline
export function allFinite(largest: v128): i32 {
  return i32(!v128.any_true(i32x4.ge_s(largest, i32x4.splat(F32_INFINITY))));
}

/**
 * f16 bits in u32 lanes -> f32. A subnormal m * 2^-24 is read as 2^-14 (1 + m / 1024) - 2^-14, which is exact and, unlike the
 * usual multiplication by 2^112, never feeds a subnormal f32 to the multiplier (slow on many cores; small weights are common).
 */
// @ts-ignore: decorator
@inline
function halfToFloat(half: v128): v128 {
  const shifted = i32x4.shl(v128.and(half, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(half, i32x4.splat(0x8000)), 16);
  const subnormal = f32x4.sub(i32x4.add(shifted, i32x4.splat(0x38800000)), i32x4.splat(0x38800000));
  const special = v128.and(i32x4.gt_s(shifted, i32x4.splat(0x0f7fffff)), i32x4.splat(0x38000000));
  const normal = i32x4.add(i32x4.add(shifted, i32x4.splat(0x38000000)), special);
  return v128.or(v128.bitselect(subnormal, normal, i32x4.lt_s(shifted, i32x4.splat(0x00800000))), sign);
}

// @ts-ignore: decorator
@inline
function load4Bytes(from: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(from)));
}

/** Four elements from an address of any alignment, as f32. */
// @ts-ignore: decorator
@inline
export function load4(dtype: i32, from: usize): v128 {
  if (dtype == F32) return v128.load(from);
  if (dtype == BF16) return i32x4.shl(v128.load16x4_u(from), 16);
  if (dtype == F16) return halfToFloat(v128.load16x4_u(from));
  // e5m2 is the upper half of f16.
  if (dtype == F8_E5M2) return halfToFloat(i32x4.shl(load4Bytes(from), 8));
  if (dtype == F8_E4M3) {
    // Shifted into f16's place the exponent's bias is 8 too large; 0x7f is the only NaN, and there is no Inf.
    const byte = load4Bytes(from);
    const magnitude = i32x4.shl(v128.and(byte, i32x4.splat(0x7f)), 7);
    const nan = v128.and(i32x4.eq(magnitude, i32x4.splat(0x3f80)), i32x4.splat(0x7c00));
    const sign = i32x4.shl(v128.and(byte, i32x4.splat(0x80)), 8);
    return f32x4.mul(halfToFloat(v128.or(v128.or(magnitude, nan), sign)), f32x4.splat(256));
  }
  const low = f32x4.demote_f64x2_zero(v128.load(from));
  const high = f32x4.demote_f64x2_zero(v128.load(from, 16));
  return v128.shuffle<i64>(low, high, 0, 2);
}

/**
 * f32 -> f16 or bf16 bits in u32 lanes, to nearest even; every NaN becomes the positive quiet one, so that bytes do not depend
 * on the CPU.
 */
// @ts-ignore: decorator
@inline
function narrowBits(dtype: i32, v: v128): v128 {
  const magnitude = magnitudeBits(v);
  const nan = i32x4.gt_s(magnitude, i32x4.splat(F32_INFINITY));
  if (dtype == BF16) {
    const odd = v128.and(i32x4.shr_u(v, 16), i32x4.splat(1));
    const rounded = i32x4.shr_u(i32x4.add(i32x4.add(v, i32x4.splat(0x7fff)), odd), 16);
    return v128.bitselect(i32x4.splat(0x7fc0), rounded, nan);
  }
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  // Exponent bias 127 -> 15, and half a unit less one: the carry of the odd bit makes ties even.
  const rebased = i32x4.add(i32x4.add(magnitude, i32x4.splat(0xc8000fff)), odd);
  const normal = i32x4.shr_u(rebased, 13);
  // Adding 0.5 aligns the last bit of a subnormal half with the last bit of the sum, so the addition rounds it.
  const subnormal = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const small = i32x4.lt_s(magnitude, i32x4.splat(0x38800000));
  const large = i32x4.gt_s(magnitude, i32x4.splat(0x477fffff));
  const finite = v128.bitselect(subnormal, normal, small);
  const half = v128.bitselect(i32x4.splat(0x7c00), finite, large);
  const signed = v128.or(half, v128.and(i32x4.shr_u(v, 16), i32x4.splat(0x8000)));
  return v128.bitselect(i32x4.splat(0x7e00), signed, nan);
}

/** Lanes whose finite value becomes Inf: from half a unit above the largest finite value on. */
// @ts-ignore: decorator
@inline
export function overflows(dtype: i32, v: v128): v128 {
  if (dtype == F32) return i32x4.splat(0);
  const last: i32 = dtype == BF16 ? 0x7f7f7fff : 0x477fefff;
  const magnitude = magnitudeBits(v);
  return v128.and(i32x4.gt_s(magnitude, i32x4.splat(last)), i32x4.gt_s(i32x4.splat(F32_INFINITY), magnitude));
}

/** Four f32 to an address of any alignment, as F32, F16 or BF16. */
// @ts-ignore: decorator
@inline
export function store4(dtype: i32, to: usize, v: v128): void {
  if (dtype == F32) {
    v128.store(to, v);
  } else {
    const bits = narrowBits(dtype, v);
    v128.store64_lane(to, i16x8.narrow_i32x4_u(bits, bits), 0);
  }
}
