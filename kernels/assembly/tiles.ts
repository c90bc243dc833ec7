// The inner loops of pairs.ts: eight sums of 2 x 4 pairs of rows, kept in registers. V8 on x64 has 15 free vector registers and may
// load all it can at the top of a loop body: eight sums, six vectors and a product fit in any order. 3 x 3 was some 9 % faster in a
// test loop, but here V8 kept one of its sums in memory, and every step waited for it; larger tiles and unrolled loops spill too.
import { PANEL_ROWS } from "./memory";

// @ts-ignore: decorator
@inline const PRODUCT: i32 = 0;
// @ts-ignore: decorator
@inline const DIFFERENCE: i32 = 1;
// @ts-ignore: decorator
@inline const SUM: i32 = 2;

// @ts-ignore: decorator
@inline
function term<T>(kind: i32, a: v128, b: v128): v128 {
  if (kind == PRODUCT) return v128.mul<T>(a, b);
  return v128.abs<T>(kind == DIFFERENCE ? v128.sub<T>(a, b) : v128.add<T>(a, b));
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

/** Add one sum to out[i, j] of a matrix of `columns` columns; the rows that fill up the last panel are dropped here. */
function addOne(out: usize, columns: usize, i: usize, j: usize, sum: f64): void {
  if (j < columns) {
    const at = out + ((i * columns + j) << 3);
    store<f64>(at, load<f64>(at) + sum);
  }
}

/** Add to out[i, j..j+3], i < rows. Tiles on the diagonal write below it too, where nothing is promised. */
// @ts-ignore: decorator
@inline
function addFour<T>(
  out: usize, rows: usize, columns: usize, i: usize, j: usize, s0: v128, s1: v128, s2: v128, s3: v128,
): void {
  const low = laneSums<T>(s0, s1), high = laneSums<T>(s2, s3);
  if (i >= rows) return;
  if (j + 3 < columns) {
    const at = out + ((i * columns + j) << 3);
    v128.store(at, f64x2.add(v128.load(at), low));
    v128.store(at, f64x2.add(v128.load(at, 16), high), 16);
  } else {
    addOne(out, columns, i, j, f64x2.extract_lane(low, 0));
    addOne(out, columns, i, j + 1, f64x2.extract_lane(low, 1));
    addOne(out, columns, i, j + 2, f64x2.extract_lane(high, 0));
  }
}

/** The pairs of the rows i and i + 1, at address a of their panel, with the panel b of the rows j to j + 3. */
// @ts-ignore: decorator
@inline
function tile<T>(
  kind: i32, a: usize, b: usize, steps: usize, out: usize, rows: usize, columns: usize, i: usize, j: usize,
): void {
  let s00 = i32x4.splat(0), s01 = s00, s02 = s00, s03 = s00;
  let s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  const end = a + steps * PANEL_ROWS * 16;
  while (a < end) {
    const a0 = v128.load(a), a1 = v128.load(a, 16);
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    s00 = v128.add<T>(s00, term<T>(kind, a0, b0));
    s01 = v128.add<T>(s01, term<T>(kind, a0, b1));
    s02 = v128.add<T>(s02, term<T>(kind, a0, b2));
    s03 = v128.add<T>(s03, term<T>(kind, a0, b3));
    s10 = v128.add<T>(s10, term<T>(kind, a1, b0));
    s11 = v128.add<T>(s11, term<T>(kind, a1, b1));
    s12 = v128.add<T>(s12, term<T>(kind, a1, b2));
    s13 = v128.add<T>(s13, term<T>(kind, a1, b3));
    a += PANEL_ROWS * 16;
    b += PANEL_ROWS * 16;
  }
  addFour<T>(out, rows, columns, i, j, s00, s01, s02, s03);
  addFour<T>(out, rows, columns, i + 1, j, s10, s11, s12, s13);
}

// These are exports of the module only to keep them functions of their own: inlined into their only caller, their sums spill.

export function tileF32(
  a: usize, b: usize, steps: usize, out: usize, rows: usize, columns: usize, i: usize, j: usize,
): void {
  tile<f32>(PRODUCT, a, b, steps, out, rows, columns, i, j);
}

export function tileF64(
  a: usize, b: usize, steps: usize, out: usize, rows: usize, columns: usize, i: usize, j: usize,
): void {
  tile<f64>(PRODUCT, a, b, steps, out, rows, columns, i, j);
}

export function tileDifferences(
  a: usize, b: usize, steps: usize, out: usize, rows: usize, columns: usize, i: usize, j: usize,
): void {
  tile<f32>(DIFFERENCE, a, b, steps, out, rows, columns, i, j);
}

export function tileSums(
  a: usize, b: usize, steps: usize, out: usize, rows: usize, columns: usize, i: usize, j: usize,
): void {
  tile<f32>(SUM, a, b, steps, out, rows, columns, i, j);
}
