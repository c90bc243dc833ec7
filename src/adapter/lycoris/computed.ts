import { elementCount } from "../../core/shape.ts";
import type { AdapterModule, ComputedFactor, MatrixHalves, MatrixRef } from "../read-adapter.ts";

/** A module without its scale whose factors are computed. */
export interface ComputedModule extends Omit<AdapterModule, "scale"> {
  /** What alpha is divided by; null where alpha does not count. */
  readonly dim: number | null;
  /** Its own alpha, where the file stores one; absent for others. */
  readonly alpha?: number;
}

/** A factor that is computed. @param key a tensor that it comes from, for messages */
export function computedFactor(key: string, matrix: MatrixRef): ComputedFactor {
  return { name: key, dtype: "F32", rank: matrix.rows, size: matrix.columns, matrix, offset: 0 };
}

/**
 * A module whose factors are computed.
 *
 * @param halves A (rank, inputs), and the transpose of B (rank, outputs)
 * @param kernel of a convolution, whose places are the last axes of A's columns; empty for a linear layer
 */
export function computedModule(
  path: string,
  key: string,
  { a, b }: MatrixHalves,
  kernel: readonly number[],
  dim: number | null,
): ComputedModule {
  return {
    name: path,
    kind: kernel.length > 0 ? "conv" : "linear",
    in: a.columns,
    out: b.columns,
    inputShape: [a.columns / elementCount(kernel), ...kernel],
    rank: a.rows,
    a: computedFactor(key, a),
    b: computedFactor(key, b),
    dim,
  };
}
