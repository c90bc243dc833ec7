import { type Kernels, RANK_ROOM } from "../../kernels/kernels.ts";
import { limitOf } from "./draws.ts";

/** Drops entries of rows by chance, each rank in its row with a probability of its own. Takes `rankedDropsBytes` of kernel memory. */
export class RankedDrops {
  readonly #kernels: Kernels;
  readonly #order: Uint32Array;
  readonly #room: Uint32Array;
  readonly #limits: Uint32Array;
  readonly #factors: Float64Array;

  /** @param kept the probability of keeping the entry of rank i in its row, from the smallest, i < columns */
  constructor(kernels: Kernels, columns: number, kept: (i: number) => number) {
    this.#kernels = kernels;
    this.#order = kernels.u32(columns);
    this.#room = kernels.u32(columns + RANK_ROOM);
    this.#limits = kernels.u32(columns);
    this.#factors = kernels.f64(columns);
    for (let i = 0; i < columns; i++) {
      this.#limits[i] = limitOf(kept(i));
      this.#factors[i] = 1 / kept(i);
    }
  }

  /** Zero what is dropped of a row, and divide the rest by its probability, in place. @param drawn a number in [0, DRAWS) for each entry */
  apply(row: Float32Array, drawn: Uint32Array): void {
    this.#kernels.ascending(row, this.#order, this.#room);
    this.#kernels.dropRanked(row, this.#order, drawn, this.#limits, this.#factors);
  }
}

/** Kernel memory of ranked drops and a row of draws, in bytes. */
export function rankedDropsBytes(columns: number): number {
  return 24 * columns + 4 * RANK_ROOM + 80;
}
