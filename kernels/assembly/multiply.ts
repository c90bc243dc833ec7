// A small f64 matrix times f32 rows, by the tiles of tiles.ts: two rows of coefficients with eight columns, a step for each row.
import { GROUP_BYTES, GROUP_ROWS, PANELS, PANEL_ROWS, PANEL_STEPS, STEP_BYTES } from "./memory";
import { packCoefficients, packColumns } from "./panels";
import { tileColumns } from "./tiles";

// The coefficients' panels and the sums share the first group, the columns' panels have the second.
// @ts-ignore: decorator
@inline const OUT_ROWS: usize = GROUP_ROWS / 2;
// @ts-ignore: decorator
@inline const SUMS: usize = PANELS + GROUP_BYTES / 2;
// @ts-ignore: decorator
@inline const WIDTH: usize = GROUP_BYTES / 2 / OUT_ROWS / 8;
// @ts-ignore: decorator
@inline const COLUMNS: usize = PANELS + GROUP_BYTES;

/** Round a row of f64 sums to f32. */
function storeSums(sums: usize, to: usize, width: usize): void {
  const end = to + (width << 2);
  for (; to + 8 <= end; sums += 16, to += 8) v128.store64_lane(to, f32x4.demote_f64x2_zero(v128.load(sums)), 0);
  if (to < end) store<f32>(to, f32(load<f64>(sums)));
}

/** dst[i, x] = sum_j c[i, j] rows_j[x], j in order, in f64, rounded to f32 once; strides in bytes. */
export function multiply(
  coefficients: usize, outRows: usize, rows: usize, count: usize, stride: usize, length: usize,
  to: usize, toStride: usize,
): void {
  for (let x: usize = 0; x < length; x += WIDTH) {
    const width = min(WIDTH, length - x);
    for (let i: usize = 0; i < outRows; i += OUT_ROWS) {
      const some = min(OUT_ROWS, outRows - i);
      memory.fill(SUMS, 0, ((some + 1) & ~1) * WIDTH * 8);
      for (let j: usize = 0; j < count; j += PANEL_STEPS) {
        const steps = min(PANEL_STEPS, count - j);
        packCoefficients(coefficients + ((i * count + j) << 3), some, count << 3, steps, PANELS);
        packColumns(rows + j * stride + (x << 2), steps, stride, width, COLUMNS, (steps + 1) * STEP_BYTES);
        addProducts(some, steps, width);
      }
      for (let r: usize = 0; r < some; r++) storeSums(SUMS + r * WIDTH * 8, to + (i + r) * toStride + (x << 2), width);
    }
  }
}

/** SUMS += the packed coefficients times the packed columns. */
function addProducts(outRows: usize, steps: usize, width: usize): void {
  for (let i: usize = 0, a = PANELS; i < outRows; i += PANEL_ROWS, a += steps * STEP_BYTES) {
    const sums = SUMS + i * WIDTH * 8;
    for (let x: usize = 0, b = COLUMNS; x < width; x += 8, b += (steps + 1) * STEP_BYTES) {
      tileColumns(a, b, steps, sums + (x << 3), WIDTH * 8);
      if (i + 2 < outRows) tileColumns(a + 32, b, steps, sums + 2 * WIDTH * 8 + (x << 3), WIDTH * 8);
    }
  }
}
