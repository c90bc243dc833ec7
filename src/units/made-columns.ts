import type { MatrixRef } from "../adapter/adapter.ts";
import type { Columns, Values } from "./matrix-columns.ts";

/** Columns of a matrix that is repeated along both axes. @param width its columns */
export function fillTiled({ rows, from, count, into }: Columns, of: Values, width: number): void {
  const height = of.length / width;
  for (let row = 0; row < rows; row++) {
    const begin = (row % height) * width;
    for (let x = 0; x < count; x++) into[row * count + x] = of[begin + ((from + x) % width)]!;
  }
}

/** Columns of a matrix whose rows are divided by their lengths, or by `least` where that is larger. */
export function fillUnitRows({ rows, from, count, into }: Columns, of: Values, least: number): void {
  const width = of.length / rows;
  for (let row = 0; row < rows; row++) {
    let squares = 0;
    for (let x = 0; x < width; x++) squares += of[row * width + x]! ** 2;
    const length = Math.max(least, Math.sqrt(squares));
    for (let x = 0; x < count; x++) into[row * count + x] = of[row * width + from + x]! / length;
  }
}

/** Columns of circulant blocks. @param width entries of a row of the kernel, for the blocks of one row */
export function fillCirculant(
  { rows, from, count, into }: Columns,
  kernel: Values,
  width: number,
  { size, turned }: Extract<MatrixRef, { op: "circulant" }>,
): void {
  for (let row = 0; row < rows; row++) {
    for (let column = from; column < from + count; column++) {
      const [out, input] = turned ? [column, row] : [row, column];
      const shift = (size + (input % size) - (out % size)) % size;
      const block = Math.floor(input / size) * size;
      into[row * count + column - from] = kernel[Math.floor(out / size) * width + block + shift]!;
    }
  }
}

/** Columns of mixed vectors. */
export function fillMixed(
  { rows, from, count, into }: Columns,
  logits: Values,
  bank: Values,
  { tilesFirst, most, bank: { rows: vectors, columns: length } }: Extract<MatrixRef, { op: "mixed" }>,
): void {
  const tiles = logits.length / (rows * vectors);
  for (let row = 0; row < rows; row++) {
    for (let tile = Math.floor(from / length); tile * length < from + count; tile++) {
      const begin = (tilesFirst ? tile * rows + row : row * tiles + tile) * vectors;
      const chosen = softmaxOfLargest(logits.subarray(begin, begin + vectors), most);
      const last = Math.min(from + count, (tile + 1) * length);
      for (let column = Math.max(from, tile * length); column < last; column++) {
        let sum = 0;
        for (const { index, weight } of chosen) sum += weight * bank[index * length + column - tile * length]!;
        into[row * count + column - from] = sum;
      }
    }
  }
}

/** The largest logits, the largest first, with their softmax. */
function softmaxOfLargest(logits: Values, most: number): { index: number; weight: number }[] {
  const order = Array.from(logits.keys()).sort((i, j) => logits[j]! - logits[i]! || i - j);
  const chosen = order.slice(0, most);
  const largest = logits[chosen[0]!]!;
  const weights = chosen.map((index) => Math.exp(logits[index]! - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return chosen.map((index, i) => ({ index, weight: weights[i]! / total }));
}

/**
 * Columns of blocks on W + 1.
 *
 * @param of these columns of W (rows, count)
 * @param size r, the rows of a block
 */
export function fillBlocks({ rows, from, count, into }: Columns, of: Values, blocks: Values, size: number): void {
  for (let x = 0; x < count; x++) {
    const o = from + x;
    const block = Math.floor(o / size) * size * size;
    for (let row = 0; row < rows; row++) {
      const q = row % size;
      const first = row - q;
      let sum = blocks[block + (o % size) * size + q]!;
      for (let t = 0; t < size; t++) sum += of[(first + t) * count + x]! * blocks[block + t * size + q]!;
      into[row * count + x] = sum;
    }
  }
}
