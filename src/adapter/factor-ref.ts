import type { Dtype, FactorDtype } from "../core/dtype.ts";

/** Where one tensor is stored: a byte range of one of an adapter's files. Plain data, so that a plan can be sent to a worker. */
export interface TensorRef<T extends Dtype = Dtype> {
  readonly name: string;
  /** Index into the adapter's files. */
  readonly file: number;
  readonly dtype: T;
  readonly shape: readonly number[];
  /** First byte and the byte after the last, in the file. */
  readonly begin: number;
  readonly end: number;
}

/** Where the elements of a matrix of units are: entry x of unit u is element u * unit + x * entry. Both strides are above zero. */
export interface Strides {
  readonly unit: number;
  readonly entry: number;
}

/** A factor that is a tensor, or part of one that holds several factors (`denseFactor` makes most). */
export interface StridedFactor extends TensorRef<FactorDtype> {
  /** Number of units, and of entries in each. */
  readonly rank: number;
  readonly size: number;
  /** Elements of the tensor before entry 0 of unit 0, and the steps from there. */
  readonly offset: number;
  readonly strides: Strides;
}

/** A matrix that is stored, or computed from others. Plain data, so that a plan can be sent to a worker. */
export type MatrixRef = { readonly rows: number; readonly columns: number } & (
  | { readonly op: "stored"; readonly factor: StridedFactor }
  | { readonly op: "identity" }
  /** left right. */
  | { readonly op: "product"; readonly left: MatrixRef; readonly right: MatrixRef }
  /** Row (i, j) and column (x, y) hold left[i][x] right[j][y]. */
  | { readonly op: "kronecker"; readonly left: MatrixRef; readonly right: MatrixRef }
  /** Row (i, j) is the elementwise product of row i of left and row j of right. */
  | { readonly op: "row-products"; readonly left: MatrixRef; readonly right: MatrixRef }
  /** A smaller matrix, repeated along both axes. */
  | { readonly op: "tiled"; readonly of: MatrixRef }
  /** Each row over its length, or over `least` where that is larger. */
  | { readonly op: "unit-rows"; readonly of: MatrixRef; readonly least: number }
  /** The elementwise product. */
  | { readonly op: "hadamard"; readonly left: MatrixRef; readonly right: MatrixRef }
  /** A core (r, q, kernel) times the channels of a matrix (q, n): column (c, k) of row i is sum_j core[i][j, k] channels[j][c]. */
  | { readonly op: "core"; readonly core: MatrixRef; readonly channels: MatrixRef }
  /**
   * Circulant blocks, one for each row of a kernel (blocks, size) and in their order: row (m, x), column (n, y) holds
   * kernel[m, n][(y - x) mod size], or with x and y exchanged if it is turned.
   */
  | { readonly op: "circulant"; readonly kernel: MatrixRef; readonly size: number; readonly turned: boolean }
  /**
   * Vectors of a bank (n, length), mixed: columns (t, v) of row i are the sum over the largest `most` of n logits of their softmax times
   * that vector. Logits are (rows, tiles n), or (tiles, rows n) if `tilesFirst`.
   */
  | {
      readonly op: "mixed";
      readonly logits: MatrixRef;
      readonly tilesFirst: boolean;
      readonly bank: MatrixRef;
      readonly most: number;
    }
  /** Blocks (n, r r) on W + 1: column o of rows (c, q) is sum_t (W[(c, t), o] + [t = o mod r]) blocks[o / r][t, q]. */
  | { readonly op: "blocks"; readonly of: MatrixRef; readonly blocks: MatrixRef; readonly size: number }
  /** One half of the leading singular units of a Kronecker product. */
  | { readonly op: "leading"; readonly half: "a" | "b"; readonly left: MatrixHalves; readonly right: MatrixHalves }
);

/** A matrix W = B A of some rank: A (rank, columns), and the transpose of B (rank, rows). */
export interface MatrixHalves {
  readonly a: MatrixRef;
  readonly b: MatrixRef;
}

/** A factor whose elements are computed from smaller matrices as they are read, in f64 and rounded once to f32. */
export interface ComputedFactor {
  /** A tensor that it is computed from, for messages. */
  readonly name: string;
  readonly dtype: "F32";
  readonly rank: number;
  readonly size: number;
  /** Its units are the rows of this matrix, and its entries columns from `offset` on. */
  readonly matrix: MatrixRef;
  readonly offset: number;
}

/** A factor, or part of one, that is not put together from pieces. */
export type PlainFactor = StridedFactor | ComputedFactor;

/** A rectangle of a factor: some entries of some units. */
export interface FactorPiece {
  readonly factor: PlainFactor;
  /** Where its first unit and entry are in the whole. */
  readonly unit: number;
  readonly entry: number;
  /** Steps between its entries in the whole, more than 1 for rows of several weights in turn. Default 1. */
  readonly step?: number;
  /** Its elements are multiplied by this. */
  readonly times: number;
}

/** A factor of several pieces that do not overlap, such as those of a weight that other programs split; zero outside of them. */
export interface ComposedFactor {
  /** The tensor of the first piece, for messages. */
  readonly name: string;
  /** f32 where pieces differ in type or are multiplied by more than a sign, else their type. */
  readonly dtype: FactorDtype;
  readonly rank: number;
  readonly size: number;
  readonly pieces: readonly FactorPiece[];
}

/** A factor of a module: a matrix of units. */
export type FactorRef = PlainFactor | ComposedFactor;
