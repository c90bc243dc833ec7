import type { AdapterModule, ComputedFactor, MatrixRef, StridedFactor } from "../adapter/adapter.ts";
import type { ByteSource } from "../core/bytes.ts";
import { bytesOf } from "../core/dtype.ts";
import { READ_ELEMENT } from "../core/elements.ts";
import { kroneckerSquares, leadingHalf } from "./kronecker.ts";
import { fillBlocks, fillCirculant, fillMixed, fillTiled, fillUnitRows } from "./made-columns.ts";
import {
  allPairs,
  type Columns,
  fillCore,
  fillKronecker,
  fillProduct,
  fillRowProducts,
  type Values,
} from "./matrix-columns.ts";
import { type Elements, readStrided } from "./read-strided.ts";

/** Elements of a part of a matrix in memory. */
const BLOCK_ELEMENTS = 2 ** 20;

/** Entries from .. from + count of all units of a computed factor, unit after unit, in f32 (little-endian, as kernels take them). */
export async function readComputed(
  files: readonly ByteSource[],
  { matrix, offset }: ComputedFactor,
  from: number,
  count: number,
  { bytes }: Elements,
): Promise<void> {
  const { rows } = matrix;
  const values = new Float32Array(rows * count);
  // Elementwise products are of matrices as large as they are; those of other products are small.
  const block = matrix.op === "hadamard" ? Math.max(1, Math.floor(BLOCK_ELEMENTS / rows)) : count;
  for (let at = 0; at < count; at += block) {
    const columns = Math.min(block, count - at);
    const into = columns === count ? values : new Float32Array(rows * columns);
    await columnsOf(files, matrix, { rows, from: offset + from + at, count: columns, into });
    if (into === values) break;
    for (let row = 0; row < rows; row++) {
      values.set(into.subarray(row * columns, (row + 1) * columns), row * count + at);
    }
  }
  bytes.set(new Uint8Array(values.buffer));
}

/** The squared length of the delta whose leading units a module has; null where a module has all units of its delta. */
export async function wholeSquare(
  files: readonly ByteSource[],
  { a, scale }: Pick<AdapterModule, "a" | "scale">,
): Promise<number | null> {
  if (!("matrix" in a) || a.matrix.op !== "leading") return null;
  return scale ** 2 * (await kroneckerSquares((of) => wholeOf(files, of), a.matrix));
}

/** All columns of a matrix, (rows, columns), in f64. */
export async function wholeOf(files: readonly ByteSource[], matrix: MatrixRef): Promise<Float64Array> {
  const into = new Float64Array(matrix.rows * matrix.columns);
  await columnsOf(files, matrix, { rows: matrix.rows, from: 0, count: matrix.columns, into });
  return into;
}

/** Fill some columns of a matrix. */
async function columnsOf(files: readonly ByteSource[], matrix: MatrixRef, columns: Columns): Promise<void> {
  const { rows, from, count, into } = columns;
  const whole = (of: MatrixRef): Promise<Float64Array> => wholeOf(files, of);
  const part = async (of: MatrixRef): Promise<Values> => {
    const values = new Float64Array(of.rows * count);
    await columnsOf(files, of, { rows: of.rows, from, count, into: values });
    return values;
  };
  switch (matrix.op) {
    case "stored":
      return readStored(files, matrix.factor, columns);
    case "identity":
      for (let row = from; row < from + count; row++) into[row * count + row - from] = 1;
      return;
    case "product":
      return fillProduct(columns, await whole(matrix.left), await part(matrix.right));
    case "kronecker": {
      const { left, right } = matrix;
      const pairs = allPairs(left.rows, right.rows);
      return fillKronecker(columns, await whole(left), left.columns, await whole(right), right.columns, pairs);
    }
    case "leading": {
      const found = await leadingHalf(whole, matrix.half, matrix, rows);
      if (found === null) return void into.fill(Number.NaN);
      return fillKronecker(
        columns,
        found.left,
        matrix.columns / found.columns,
        found.right,
        found.columns,
        found.units,
      );
    }
    case "row-products":
      return fillRowProducts(columns, await part(matrix.left), await part(matrix.right));
    case "tiled": {
      const { of } = matrix;
      return fillTiled(columns, await whole(of), of.columns);
    }
    case "unit-rows":
      return fillUnitRows(columns, await whole(matrix.of), matrix.least);
    case "circulant":
      return fillCirculant(columns, await whole(matrix.kernel), matrix.kernel.columns, matrix);
    case "mixed":
      return fillMixed(columns, await whole(matrix.logits), await whole(matrix.bank), matrix);
    case "blocks":
      return fillBlocks(columns, await part(matrix.of), await whole(matrix.blocks), matrix.size);
    case "hadamard": {
      const [left, right] = [await part(matrix.left), await part(matrix.right)];
      for (let at = 0; at < left.length; at++) into[at] = left[at]! * right[at]!;
      return;
    }
    case "core":
      return fillCore(columns, await whole(matrix.core), await whole(matrix.channels), matrix.channels.rows);
  }
}

/** Elements of a tensor, unit after unit. */
async function readStored(
  files: readonly ByteSource[],
  factor: StridedFactor,
  { from, count, into }: Columns,
): Promise<void> {
  const size = bytesOf(factor.dtype);
  const bytes = new Uint8Array(size * factor.rank * count);
  await readStrided(files, factor, from, count, { bytes, strides: { unit: count, entry: 1 } });
  const view = new DataView(bytes.buffer);
  const read = READ_ELEMENT[factor.dtype];
  for (let at = 0; at < into.length; at++) into[at] = read(view, at * size);
}
