import { mixed } from "../../core/hash.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { Values } from "./sparsify.ts";

/** Number of values that a draw can have: with 31 bits, differences of draws fit into 32. */
export const DRAWS: number = 2 ** 31;

/** Numbers in [0, DRAWS) for the entries of tasks: drawn, or read from a golden file. */
export interface Draws {
  /** The numbers of the entries `from`, `from + step` and so on of a task, into kernel memory. */
  fill(kernels: Kernels, task: number, from: number, step: number, into: Uint32Array): void;
}

/**
 * Independent uniform numbers in [0, DRAWS): a hash of seed, task, tensor and index. Entries may be visited in any order and in pieces,
 * and a seed draws the same numbers on every machine.
 */
export class HashedDraws implements Draws {
  readonly #start: number;

  /** @param tensor number of the tensor in a module (0 for A, 1 for B, 2 for a delta) */
  constructor(seed: number, tensor: number) {
    this.#start = mixed(mixed(seed | 0) ^ Math.floor(seed / 2 ** 32)) ^ Math.imul(tensor + 1, 0x9e3779b1);
  }

  /** The number of one entry. */
  at(task: number, index: number): number {
    return mixed(this.#key(task, Math.floor(index / 2 ** 32)) ^ (index | 0)) >>> 1;
  }

  fill(kernels: Kernels, task: number, from: number, step: number, into: Uint32Array): void {
    // The upper half of an index is part of the key.
    for (let done = 0; done < into.length; ) {
      const first = from + done * step;
      const high = Math.floor(first / 2 ** 32);
      const left = Math.ceil(((high + 1) * 2 ** 32 - first) / step);
      const piece = into.subarray(done, Math.min(into.length, done + left));
      kernels.draw(this.#key(task, high), first | 0, step, piece);
      done += piece.length;
    }
  }

  #key(task: number, high: number): number {
    return mixed(this.#start ^ Math.imul(task + 1, 0x85ebca77) ^ high);
  }
}

/** Draws below this keep a share `density` of all entries. */
export function limitOf(density: number): number {
  return Math.ceil(density * DRAWS);
}

/** Whether entry `index` of task `task` is kept: drawn at random, or read from a golden file. */
export type Mask = (task: number, index: number) => boolean;

/**
 * A mask that keeps each entry with probability `density`, independently, by `HashedDraws`.
 *
 * @param tensor number of the tensor in a module (0 for A, 1 for B, 2 for a delta)
 */
export function bernoulliMask(seed: number, tensor: number, density: number): Mask {
  const limit = limitOf(density);
  const draws = new HashedDraws(seed, tensor);
  return (task, index) => draws.at(task, index) < limit;
}

/**
 * DARE (Yu et al. 2023, arXiv 2311.03099): drop entries by a mask and divide the others by the density, which keeps the expectation.
 * In place, for a whole tensor.
 */
export function dropAndRescale(values: Values, task: number, mask: Mask, density: number): void {
  for (let i = 0; i < values.length; i++) values[i] = mask(task, i) ? values[i]! / density : 0;
}
