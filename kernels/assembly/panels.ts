// Rows packed for the tiles of pairs.ts: panels of four rows, their vectors interleaved (rows 0 to 3 of step 0, then of step 1...).
// Packed panels stand in consecutive addresses, whatever the stride; zeros fill the last vector, so that tiles have no tails.
import { PANEL_ROWS } from "./memory";

/** The last `rest` < 4 elements, zeros after them, without reading past the row. */
function loadRest(from: usize, rest: usize): v128 {
  let v = v128.load32_zero(from);
  if (rest > 1) v = v128.load32_lane(from, v, 1, 4);
  if (rest > 2) v = v128.load32_lane(from, v, 2, 8);
  return v;
}

/** Vectors of T that hold `width` elements. */
// @ts-ignore: decorator
@inline
export function stepsOf<T>(width: usize): usize {
  const lanes = 16 / sizeof<T>();
  return (width + lanes - 1) / lanes;
}

/** Pack `width` elements of `count` f32 rows as T (f32 or f64); rows missing in the last panel repeat the last row. */
export function pack<T>(rows: usize, count: usize, stride: usize, width: usize, panels: usize): void {
  const panelBytes = stepsOf<T>(width) * PANEL_ROWS * 16;
  for (let r: usize = 0; r < count || r % PANEL_ROWS != 0; r++) {
    let from = rows + min(r, count - 1) * stride;
    let to = panels + (r / PANEL_ROWS) * panelBytes + (r % PANEL_ROWS) * 16;
    const end = from + (width << 2);
    if (sizeof<T>() == 4) {
      for (; from + 16 <= end; from += 16, to += PANEL_ROWS * 16) v128.store(to, v128.load(from));
      if (from < end) v128.store(to, loadRest(from, (end - from) >> 2));
    } else {
      for (; from + 8 <= end; from += 8, to += PANEL_ROWS * 16) {
        v128.store(to, f64x2.promote_low_f32x4(v128.load64_zero(from)));
      }
      if (from < end) v128.store(to, f64x2.promote_low_f32x4(v128.load32_zero(from)));
    }
  }
}
