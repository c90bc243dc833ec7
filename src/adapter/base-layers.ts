import type { ByteSource } from "../core/bytes.ts";
import type { MatrixRef } from "./factor-ref.ts";

/** The layers of the model that an adapter was trained on, for methods whose deltas need them. */
export interface BaseLayers {
  /** What messages call the model. */
  readonly name: string;
  /**
   * A linear layer.
   *
   * @param path its name, with PEFT's prefix or without
   * @param out its outputs, as far as the adapter says
   * @throws RefusedError where the model has no such layer, or one of another size
   */
  layerOf(path: string, out: number | null): BaseLayer;
}

/** A model whose files an adapter takes on. */
export interface BaseFiles {
  readonly files: readonly ByteSource[];
  /** Its layers, where its files follow that many others. */
  after(others: number): BaseLayers;
}

/** A linear layer's weight W (out, in). */
export interface BaseLayer {
  readonly in: number;
  readonly out: number;
  /** Whether it is stored as (in, out). */
  readonly turned: boolean;
  readonly rows: MatrixRef;
  /** The transpose of W. */
  readonly columns: MatrixRef;
}
