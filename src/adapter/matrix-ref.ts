import type { MatrixRef, StridedFactor } from "./factor-ref.ts";

/** The matrix of a factor: its units are the rows. */
export function stored(factor: StridedFactor): MatrixRef {
  return { op: "stored", factor, rows: factor.rank, columns: factor.size };
}

/** The identity of n rows. */
export function identity(n: number): MatrixRef {
  return { op: "identity", rows: n, columns: n };
}

/** left right. @param left (m, k) @param right (k, n) */
export function product(left: MatrixRef, right: MatrixRef): MatrixRef {
  return { op: "product", left, right, rows: left.rows, columns: right.columns };
}

/** The Kronecker product. */
export function kronecker(left: MatrixRef, right: MatrixRef): MatrixRef {
  return { op: "kronecker", left, right, rows: left.rows * right.rows, columns: left.columns * right.columns };
}

/** The elementwise products of each row of one matrix with each of another (transposed, the Khatri-Rao product). */
export function rowProducts(left: MatrixRef, right: MatrixRef): MatrixRef {
  return { op: "row-products", left, right, rows: left.rows * right.rows, columns: left.columns };
}

/** A matrix repeated along both axes, to this size. */
export function tiled(of: MatrixRef, rows: number, columns: number): MatrixRef {
  return { op: "tiled", of, rows, columns };
}

/** Each row over its length, or over `least` where that is larger. */
export function unitRows(of: MatrixRef, least: number): MatrixRef {
  return { op: "unit-rows", of, least, rows: of.rows, columns: of.columns };
}

/** A matrix times numbers for its rows (rows, 1), or for its columns (1, columns). */
export function scaledBy(factors: MatrixRef, of: MatrixRef): MatrixRef {
  return hadamard(of, tiled(factors, of.rows, of.columns));
}

/** The elementwise product of two matrices of one size. */
export function hadamard(left: MatrixRef, right: MatrixRef): MatrixRef {
  return { op: "hadamard", left, right, rows: left.rows, columns: left.columns };
}

/** A Tucker core times the channels of a matrix. @param core (r, q kernel) @param channels (q, n) */
export function coreProduct(core: MatrixRef, channels: MatrixRef): MatrixRef {
  const kernel = core.columns / channels.rows;
  return { op: "core", core, channels, rows: core.rows, columns: channels.columns * kernel };
}
