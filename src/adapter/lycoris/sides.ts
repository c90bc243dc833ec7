import { elementCount } from "../../core/shape.ts";
import { denseFactor } from "../dense-factor.ts";
import type { MatrixHalves, MatrixRef } from "../factor-ref.ts";
import { coreProduct, identity, product, stored } from "../matrix-ref.ts";
import { floats } from "../module-of-factors.ts";
import type { TensorRef } from "../read-adapter.ts";
import { misfit, type Parts, partOf } from "./parts.ts";

/** A matrix, readable both ways. */
interface Sides {
  readonly byRows: MatrixRef;
  /** Its transpose; null where that is not at hand. */
  readonly byColumns: MatrixRef | null;
}

/** A matrix that some tensors of a module make. */
export interface MadeMatrix extends Sides, MatrixHalves {
  /** The kernel of a convolution, whose places are the last axes of the columns; empty where the tensors do not show one. */
  readonly kernel: readonly number[];
  /** The inner size, over which alpha counts; null for a whole matrix. */
  readonly dim: number | null;
  /** One of the tensors, for messages. */
  readonly key: string;
}

/** A matrix that is stored whole, at the smaller of its sizes. @param tensor (rows, columns, kernel...) */
export function wholeMatrix(parts: Parts, tensor: TensorRef): MadeMatrix {
  if (tensor.shape.length < 2) throw misfit(parts);
  const sides = sidesOf(parts.name, tensor);
  return { ...sides, ...halvesOf(sides), kernel: tensor.shape.slice(2), dim: null, key: tensor.name };
}

/**
 * A matrix that is the product of two, a (rows, r) and b (r, columns), or a Tucker decomposition: a (r, rows), b (q, columns) and a core
 * (r, q, kernel...).
 *
 * @throws FormatError where one is missing, or they do not fit each other
 */
export function factoredMatrix(parts: Parts, a: string, b: string, core?: string): MadeMatrix {
  const [first, second] = [partOf(parts, a), partOf(parts, b)];
  if (first.shape.length !== 2 || second.shape.length !== 2) throw misfit(parts);
  const [left, right] = [sidesOf(parts.name, first), sidesOf(parts.name, second)];
  const common = { dim: second.shape[0]!, key: first.name };
  const middle = core === undefined ? undefined : parts.tensors.get(core);
  if (middle !== undefined) {
    const [r, q, ...kernel] = middle.shape;
    if (kernel.length === 0 || r !== first.shape[0] || q !== second.shape[0]) throw misfit(parts);
    const inner = coreProduct(sidesOf(parts.name, middle).byRows, right.byRows);
    const byRows = product(left.byColumns, inner);
    return { ...common, a: inner, b: left.byRows, byRows, byColumns: null, kernel };
  }
  if (first.shape[1] !== second.shape[0]) throw misfit(parts);
  const sides = {
    byRows: product(left.byRows, right.byRows),
    byColumns: product(right.byColumns, left.byColumns),
  };
  const { rows, columns } = sides.byRows;
  const halves = second.shape[0]! > Math.min(rows, columns) ? halvesOf(sides) : { a: right.byRows, b: left.byColumns };
  return { ...common, ...sides, ...halves, kernel: [] };
}

/** W as I W or W I, whichever has the smaller rank. */
export function halvesOf({ byRows, byColumns }: Sides): MatrixHalves {
  const { rows, columns } = byRows;
  if (rows <= columns || byColumns === null) return { a: byRows, b: identity(rows) };
  return { a: identity(columns), b: byColumns };
}

/** A tensor as a matrix: its first axis are the rows, all others together the columns. @param name of the adapter */
export function sidesOf(
  name: string,
  tensor: TensorRef,
): { readonly byRows: MatrixRef; readonly byColumns: MatrixRef } {
  const values = floats(name, tensor);
  const rows = tensor.shape[0]!;
  return {
    byRows: stored(denseFactor(values, "rows", rows)),
    byColumns: stored(denseFactor(values, "columns", elementCount(tensor.shape) / rows)),
  };
}
