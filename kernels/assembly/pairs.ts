// All pairs of rows: inner products and Manhattan distances, by tiles of 2 x 4 pairs of packed rows.
//
// The sum of a pair takes the same steps in the same order wherever its rows stand: lane by lane within a block, the lanes of a
// block in f64, blocks in f64. So permuting the rows permutes the result bit for bit, and equal rows give equal entries.
import { EDGE_SUMS, GROUP_BYTES, GROUP_ROWS, PANELS, PANEL_ROWS, PANEL_STEPS, STEP_BYTES } from "./memory";
import { pack, stepsOf } from "./panels";
import { tileDifferences, tileF32, tileF64, tileSums } from "./tiles";

const GRAM: i32 = 0;
const GRAM_F64: i32 = 1;
const MANHATTAN: i32 = 2;
const MANHATTAN_NEGATED: i32 = 3;

// @ts-ignore: decorator
@inline
function tile(kind: i32, a: usize, b: usize, steps: usize, out: usize, outStride: usize): void {
  if (kind == GRAM) tileF32(a, b, steps, out, outStride);
  else if (kind == GRAM_F64) tileF64(a, b, steps, out, outStride);
  else if (kind == MANHATTAN) tileDifferences(a, b, steps, out, outStride);
  else tileSums(a, b, steps, out, outStride);
}

/** A tile that may reach beyond the matrix: the pairs of rows that fill up panels are dropped here. */
// @ts-ignore: decorator
@inline
function edgeTile(
  kind: i32, a: usize, b: usize, steps: usize, out: usize, rows: usize, columns: usize, i: usize, j: usize,
): void {
  memory.fill(EDGE_SUMS, 0, 64);
  tile(kind, a, b, steps, EDGE_SUMS, 32);
  for (let r = i; r < min(i + 2, rows); r++) {
    for (let c = j; c < min(j + 4, columns); c++) {
      const at = out + ((r * columns + c) << 3);
      store<f64>(at, load<f64>(at) + load<f64>(EDGE_SUMS + ((r - i) << 5) + ((c - j) << 3)));
    }
  }
}

/**
 * Pairs of the rows from g on with the others from h on; each group stands packed at its panels. With themselves, only panels on and
 * above the diagonal; those on it write below it too, where nothing is promised. The two panels of a pair stay in the first-level cache.
 */
// @ts-ignore: decorator
@inline
function pairsOfGroups(
  kind: i32, steps: usize, g: usize, gEnd: usize, h: usize, hEnd: usize, hPanels: usize, out: usize, rows: usize, columns: usize,
  themselves: i32,
): void {
  const panelBytes = steps * STEP_BYTES;
  const outStride = columns << 3;
  for (let i = g, a = PANELS; i < gEnd; i += PANEL_ROWS, a += panelBytes) {
    let j = themselves ? max(i, h) : h;
    for (let b = hPanels + ((j - h) / PANEL_ROWS) * panelBytes; j < hEnd; j += PANEL_ROWS, b += panelBytes) {
      if (i + PANEL_ROWS <= rows && j + PANEL_ROWS <= columns) {
        const to = out + i * outStride + (j << 3);
        tile(kind, a, b, steps, to, outStride);
        tile(kind, a + 32, b, steps, to + 2 * outStride, outStride);
      } else {
        edgeTile(kind, a, b, steps, out, rows, columns, i, j);
        if (i + 2 < rows) edgeTile(kind, a + 32, b, steps, out, rows, columns, i + 2, j);
      }
    }
  }
}

function packAs(kind: i32, rows: usize, count: usize, stride: usize, width: usize, panels: usize): void {
  if (kind == GRAM_F64) pack<f64>(rows, count, stride, width, panels);
  else pack<f32>(rows, count, stride, width, panels);
}

function pairs(kind: i32, rows: usize, count: usize, stride: usize, length: usize, out: usize): void {
  const blockWidth = kind == GRAM_F64 ? PANEL_STEPS * 2 : PANEL_STEPS * 4;
  for (let x: usize = 0; x < length; x += blockWidth) {
    const width = min(blockWidth, length - x);
    const steps = kind == GRAM_F64 ? stepsOf<f64>(width) : stepsOf<f32>(width);
    const left = rows + (x << 2);
    // Two groups of panels fit the second-level cache, and the scratch area stays small for any number of rows.
    for (let g: usize = 0; g < count; g += GROUP_ROWS) {
      const gEnd = min(g + GROUP_ROWS, count);
      packAs(kind, left + g * stride, gEnd - g, stride, width, PANELS);
      pairsOfGroups(kind, steps, g, gEnd, g, gEnd, PANELS, out, count, count, 1);
      for (let h = gEnd; h < count; h += GROUP_ROWS) {
        const hEnd = min(h + GROUP_ROWS, count);
        packAs(kind, left + h * stride, hEnd - h, stride, width, PANELS + GROUP_BYTES);
        pairsOfGroups(kind, steps, g, gEnd, h, hEnd, PANELS + GROUP_BYTES, out, count, count, 1);
      }
    }
  }
}

/** out[i, j] += sum_x rows_i[x] rows_j[x] for i <= j; f32 in blocks of 512, f64 across; `stride` in bytes. */
export function gram(rows: usize, count: usize, stride: usize, length: usize, out: usize): void {
  pairs(GRAM, rows, count, stride, length, out);
}

/** As `gram`, all in f64. */
export function gramF64(rows: usize, count: usize, stride: usize, length: usize, out: usize): void {
  pairs(GRAM_F64, rows, count, stride, length, out);
}

/** out[i, j] += sum_x rows_i[x] others_j[x], all j, in f64; out is (count, otherCount), strides in bytes. */
export function cross(
  rows: usize, count: usize, stride: usize, others: usize, otherCount: usize, otherStride: usize, length: usize, out: usize,
): void {
  const blockWidth = PANEL_STEPS * 2;
  for (let x: usize = 0; x < length; x += blockWidth) {
    const width = min(blockWidth, length - x);
    const steps = stepsOf<f64>(width);
    for (let g: usize = 0; g < count; g += GROUP_ROWS) {
      const gEnd = min(g + GROUP_ROWS, count);
      pack<f64>(rows + (x << 2) + g * stride, gEnd - g, stride, width, PANELS);
      for (let h: usize = 0; h < otherCount; h += GROUP_ROWS) {
        const hEnd = min(h + GROUP_ROWS, otherCount);
        pack<f64>(others + (x << 2) + h * otherStride, hEnd - h, otherStride, width, PANELS + GROUP_BYTES);
        pairsOfGroups(GRAM_F64, steps, g, gEnd, h, hEnd, PANELS + GROUP_BYTES, out, count, otherCount, 0);
      }
    }
  }
}

/** out[i, j] += sum_x |rows_i[x] - sign rows_j[x]|, accumulated like `gram`. */
export function manhattan(rows: usize, count: usize, stride: usize, length: usize, sign: i32, out: usize): void {
  pairs(sign > 0 ? MANHATTAN : MANHATTAN_NEGATED, rows, count, stride, length, out);
}
