import type { FactorRef, TensorRef } from "../adapter/adapter.ts";
import type { Dtype } from "../core/dtype.ts";

/** Where a tensor's values come from: the base, or the adapter of that index. */
export interface Origin {
  readonly input: number | null;
  readonly tensor: TensorRef;
}

/** Units that are added to a tensor as a matrix (rows, columns): the sum over its units of factor * along[i] outer across[i]. */
export interface FusedPart {
  /** Index of the adapter. */
  readonly input: number;
  /** What messages call the module. */
  readonly module: string;
  /** weight * scale * the module's own scale, in f32. */
  readonly factor: number;
  /** The half of every unit that runs along the rows of the matrix. */
  readonly along: FactorRef;
  /** The half that runs along its columns; null for ones: a bias is a matrix of one column. */
  readonly across: FactorRef | null;
}

/** DoRA: rows or columns of the matrix are scaled so that their norm is the magnitude. */
export interface Magnitude {
  readonly input: number;
  /** As many numbers as there are rows, or columns / group. */
  readonly tensor: TensorRef;
  readonly axis: "rows" | "columns";
  /** Neighbouring columns that share a magnitude: 1, or the size of a convolution's kernel. */
  readonly group: number;
  /** Added to every norm, as the program that trained the adapter does. */
  readonly epsilon: number;
}

/** Rows that take the places of a tensor's own: row i of the tensor that of token indices[i]. */
export interface NewRows extends Origin {
  readonly input: number;
  readonly indices: readonly number[];
}

/** A tensor of the fused model that is not the base's own of that name, byte for byte. */
export interface ChangedTensor {
  readonly name: string;
  /** Index of the shard that it is written to. */
  readonly shard: number;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** What it starts from, cast to `dtype`. */
  readonly origin: Origin;
  readonly parts: readonly FusedPart[];
  readonly magnitude: Magnitude | null;
  readonly rows: readonly NewRows[];
}

/** What a fusion changes; everything else is copied. */
export interface FusePlan {
  /** By the names that they have in the fused model. */
  readonly changed: ReadonlyMap<string, ChangedTensor>;
  /** Whether the head, which was the base's embedding, is a tensor of its own now. */
  readonly untied: boolean;
  /** Rows of the embedding where they are other than the base's. */
  readonly vocabSize: number | null;
  /** Modules of other parts of an image pipeline than the base, counted by part: other folders to fuse into. */
  readonly elsewhere: ReadonlyMap<string, number>;
}
