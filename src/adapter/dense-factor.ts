import type { FactorDtype } from "../core/dtype.ts";
import { elementCount } from "../core/shape.ts";
import type { StridedFactor, TensorRef } from "./read-adapter.ts";

/** The factor of `rank` units that fills a whole tensor: its units are the rows of the stored matrix, or its columns. */
export function denseFactor(tensor: TensorRef<FactorDtype>, units: "rows" | "columns", rank: number): StridedFactor {
  const size = elementCount(tensor.shape) / rank;
  const strides = units === "rows" ? { unit: size, entry: 1 } : { unit: 1, entry: rank };
  return { ...tensor, rank, size, offset: 0, strides };
}
