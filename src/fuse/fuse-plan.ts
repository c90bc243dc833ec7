import type { FactorRef, TensorRef } from "../adapter/adapter.ts";
import type { Dtype } from "../core/dtype.ts";

/** Where a tensor's values come from: the base, or the adapter with that index. */
export interface Origin {
  readonly input: number | null;
  readonly tensor: TensorRef;
}

/** Units that are added to a tensor as a matrix (rows, columns): the sum over its units of factor * along[i] outer across[i]. */
export interface FusedPart {
  /** Index of the adapter. */
  readonly input: number;
  /** The slice of the tensor along its first axis that is the matrix; null where the whole tensor is. */
  readonly expert: number | null;
  /** What messages call the module. */
  readonly module: string;
  /** weight * scale * the module's own scale, in f32. */
  readonly factor: number;
  /** The half of each unit that runs along the rows of the matrix. */
  readonly along: FactorRef;
  /** The half along its columns; null for all ones: a bias is a matrix of one column. */
  readonly across: FactorRef | null;
}

/** DoRA: rows or columns of the matrix are scaled so that their norm is the magnitude. */
export interface Magnitude {
  readonly input: number;
  /** One number per row, or per group of columns. */
  readonly tensor: TensorRef;
  readonly axis: "rows" | "columns";
  /** Neighbouring columns that share a magnitude: 1, or the size of a convolution's kernel. */
  readonly group: number;
  /** Added to every norm, as the program that trained the adapter does. */
  readonly epsilon: number;
}

/** Rows that replace a tensor's own: row i is that of token indices[i]. */
export interface NewRows extends Origin {
  readonly input: number;
  readonly indices: readonly number[];
}

/** A tensor of the fused model that is not byte-identical to the base's of that name. */
export interface ChangedTensor {
  readonly name: string;
  /** Index of the shard that it is written to. */
  readonly shard: number;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Its start values, cast to `dtype`. */
  readonly origin: Origin;
  readonly parts: readonly FusedPart[];
  readonly magnitude: Magnitude | null;
  readonly rows: readonly NewRows[];
}

/** What a fusion changes; everything else is copied. */
export interface FusePlan {
  /** By their names in the fused model. */
  readonly changed: ReadonlyMap<string, ChangedTensor>;
  /** Whether the head, tied in the base, is now a separate tensor. */
  readonly untied: boolean;
  /** Number of rows of the embedding, where it differs from the base's. */
  readonly vocabSize: number | null;
  /** Number of modules for the other parts of an image pipeline, by part: other folders to fuse into. */
  readonly elsewhere: ReadonlyMap<string, number>;
}
