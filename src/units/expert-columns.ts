import type { ByteSink } from "../core/bytes.ts";
import { bytesOf, type OutputDtype } from "../core/dtype.ts";
import type { StoredModule } from "../formats/peft-folder/factors.ts";
import type { FactorPlaces } from "../formats/peft-folder/places.ts";
import { copyElements } from "./read-strided.ts";

/** A module, and where its factors go. */
type Placed = Pick<StoredModule, "out" | "rank" | "parameter"> & FactorPlaces;

/**
 * The tensor B (out, rank E) of all experts of a parameter, where column j E + e is unit j of expert e: the columns of one are apart, so all
 * are put together in memory and written at once. Empty for a module that shares no tensor.
 */
export class ExpertColumns {
  readonly #module: Placed;
  readonly #element: number;
  readonly #bytes: Uint8Array;

  constructor(module: Placed, dtype: OutputDtype) {
    const { b, expert } = module;
    this.#module = module;
    this.#element = bytesOf(dtype);
    this.#bytes = new Uint8Array(expert === null ? 0 : b.end - b.begin);
  }

  /** Takes one expert's B (out, rank). */
  sinkOf(expert: number): ByteSink {
    const { out, rank, parameter } = this.#module;
    const { experts } = parameter!;
    return {
      write: async (_, bytes) => {
        const into = {
          bytes: this.#bytes.subarray(this.#element * expert),
          strides: { unit: experts, entry: rank * experts },
        };
        copyElements(this.#element, { bytes, strides: { unit: 1, entry: rank } }, into, rank, out);
      },
    };
  }

  async write(sink: ByteSink): Promise<void> {
    if (this.#bytes.length > 0) await sink.write(this.#module.b.begin, this.#bytes);
  }
}
