// What the tiles of tiles.ts work on: panels of four rows, their vectors interleaved (rows 0 to 3 of step 0, then of step 1...).
// Packed panels stand in consecutive addresses, whatever the stride; zeros fill the last vector, so that tiles have no tails.
import { PANEL_ROWS, STEP_BYTES } from "./memory";

/** Vectors of T that hold `width` elements. */
// @ts-ignore: decorator
@inline
export function stepsOf<T>(width: usize): usize {
  const lanes = 16 / sizeof<T>();
  return (width + lanes - 1) / lanes;
}

/** The next vector of T of an f32 row. */
// @ts-ignore: decorator
@inline
function loadVector<T>(from: usize): v128 {
  if (sizeof<T>() == 4) return v128.load(from);
  return f64x2.promote_low_f32x4(v128.load64_zero(from));
}

/** The last elements of an f32 row, fewer than a vector of T, zeros after them, without reading past the row. */
function loadRest<T>(from: usize, rest: usize): v128 {
  let v = v128.load32_zero(from);
  if (sizeof<T>() == 8) return f64x2.promote_low_f32x4(v);
  if (rest > 1) v = v128.load32_lane(from, v, 1, 4);
  if (rest > 2) v = v128.load32_lane(from, v, 2, 8);
  return v;
}

// @ts-ignore: decorator
@inline
function storeStep(to: usize, v0: v128, v1: v128, v2: v128, v3: v128): void {
  v128.store(to, v0);
  v128.store(to, v1, 16);
  v128.store(to, v2, 32);
  v128.store(to, v3, 48);
}

/** Pack `width` elements of `count` f32 rows as T (f32 or f64); rows missing in the last panel repeat the last row. */
export function pack<T>(rows: usize, count: usize, stride: usize, width: usize, panels: usize): void {
  const lanes = 16 / sizeof<T>();
  const rest = width % lanes;
  let to = panels;
  for (let r: usize = 0; r < count; r += PANEL_ROWS) {
    let r0 = rows + r * stride;
    let r1 = rows + min(r + 1, count - 1) * stride;
    let r2 = rows + min(r + 2, count - 1) * stride;
    let r3 = rows + min(r + 3, count - 1) * stride;
    for (const end = r0 + ((width - rest) << 2); r0 < end; to += STEP_BYTES) {
      storeStep(to, loadVector<T>(r0), loadVector<T>(r1), loadVector<T>(r2), loadVector<T>(r3));
      r0 += lanes << 2;
      r1 += lanes << 2;
      r2 += lanes << 2;
      r3 += lanes << 2;
    }
    if (rest) {
      storeStep(to, loadRest<T>(r0, rest), loadRest<T>(r1, rest), loadRest<T>(r2, rest), loadRest<T>(r3, rest));
      to += STEP_BYTES;
    }
  }
}

/** Pack `width` entries of `count` rows of f64, each entry in both lanes of a vector; rows missing in the last panel repeat the last. */
export function packCoefficients(from: usize, count: usize, stride: usize, width: usize, panels: usize): void {
  let to = panels;
  for (let r: usize = 0; r < count; r += PANEL_ROWS) {
    let r0 = from + r * stride;
    let r1 = from + min(r + 1, count - 1) * stride;
    let r2 = from + min(r + 2, count - 1) * stride;
    let r3 = from + min(r + 3, count - 1) * stride;
    for (const end = r0 + (width << 3); r0 < end; r0 += 8, r1 += 8, r2 += 8, r3 += 8, to += STEP_BYTES) {
      storeStep(to, v128.load64_splat(r0), v128.load64_splat(r1), v128.load64_splat(r2), v128.load64_splat(r3));
    }
  }
}

/**
 * Pack `width` columns of `count` f32 rows as f64: panels of eight columns, a step of each row, `panelBytes` apart; zeros for missing columns.
 */
export function packColumns(
  rows: usize, count: usize, stride: usize, width: usize, panels: usize, panelBytes: usize,
): void {
  for (let r: usize = 0; r < count; r++) {
    let from = rows + r * stride;
    let to = panels + r * STEP_BYTES;
    const end = from + (width << 2);
    for (; from + 32 <= end; from += 32, to += panelBytes) {
      storeStep(to, loadVector<f64>(from), loadVector<f64>(from + 8), loadVector<f64>(from + 16), loadVector<f64>(from + 24));
    }
    if (from == end) continue;
    storeStep(to, i32x4.splat(0), i32x4.splat(0), i32x4.splat(0), i32x4.splat(0));
    for (; from < end; from += 4, to += 8) store<f64>(to, f64(load<f32>(from)));
  }
}
