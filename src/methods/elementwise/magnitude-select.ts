import type { Kernels } from "../../kernels/kernels.ts";
import { MagnitudeCut } from "./sparsify.ts";

/** A cut that has not been used yet; `MagnitudeCut` counts its ties down. */
export type FreshCut = () => MagnitudeCut;

/** Looks at the next piece of a tensor, in kernel memory. */
export type Look = (piece: Float32Array, tensor: number) => void;

/** Magnitudes sort like the 31 bits of their f32 without the sign: a pass for the upper 15, another for the lower 16. */
const UPPER = 2 ** 15;
const LOWER = 2 ** 16;

/** The least |entry| that is kept, how many entries equal it, and how many of those are kept. */
export interface Threshold {
  readonly magnitude: number;
  readonly equal: number;
  readonly ties: number;
}

/**
 * The thresholds that keep the `count` largest |entries| of f32 tensors given in pieces, exactly, without holding a tensor. Whoever asks
 * passes all pieces of all tensors to the first look, and then again to the second one.
 */
export class ThresholdSearch {
  readonly #kernels: Kernels;
  readonly #counts: readonly number[];
  readonly #upper: readonly Uint32Array[];

  /**
   * Takes `searchBytes` of kernel memory.
   *
   * @param counts the numbers of entries to keep, each less than a tensor has, and not 0
   */
  constructor(kernels: Kernels, tensors: number, counts: readonly number[]) {
    this.#kernels = kernels;
    this.#counts = counts;
    this.#upper = Array.from({ length: tensors }, () => kernels.u32(UPPER).fill(0));
  }

  readonly first: Look = (piece, tensor) => this.#kernels.countUpper(piece, this.#upper[tensor]!);

  /** Begins once all pieces have been looked at. @returns the second look, and the thresholds [tensor][count] after it */
  narrow(): { readonly second: Look; readonly thresholds: () => Threshold[][] } {
    const kernels = this.#kernels;
    const found = this.#upper.map((upper) =>
      this.#counts.map((count) => ({ ...bucketOf(upper, count), lower: kernels.u32(LOWER).fill(0) })),
    );
    return {
      second: (piece, tensor) => {
        for (const { bucket, lower } of found[tensor]!) kernels.countLower(piece, bucket, lower);
      },
      thresholds: () =>
        found.map((ofTensor) =>
          ofTensor.map(({ bucket, lower, missing }) => {
            const last = bucketOf(lower, missing);
            const magnitude = floatOf(bucket * LOWER + last.bucket);
            return { magnitude, equal: lower[last.bucket]!, ties: last.missing };
          }),
        ),
    };
  }
}

/** Kernel memory of a search, in bytes. */
export function searchBytes(tensors: number, counts: number): number {
  return tensors * (4 * UPPER + 4 * LOWER * counts);
}

/**
 * The cuts that keep the `count` largest |entries| of tensors. Kernel memory: `searchBytes`, given back.
 *
 * @param pieces passes all pieces of all tensors, each tensor's in index order and the same at every call; it is called twice, or not at
 * all if all entries are kept, or none
 * @param tensors how many there are, each of `size` entries
 * @param counts the numbers of entries to keep
 * @returns [tensor][count]
 */
export function largestOfPieces(
  kernels: Kernels,
  pieces: (look: Look) => void,
  tensors: number,
  size: number,
  counts: readonly number[],
): FreshCut[][] {
  const inside = counts.filter((count) => count > 0 && count < size);
  const lists = inside.length === 0 ? [] : thresholdsOf(kernels, pieces, tensors, inside);
  return Array.from({ length: tensors }, (_, tensor) =>
    counts.map((count) => {
      if (count >= size) return () => new MagnitudeCut(-1, 0);
      if (count <= 0) return () => new MagnitudeCut(Number.POSITIVE_INFINITY, 0);
      const { magnitude, ties } = lists[tensor]![inside.indexOf(count)]!;
      return () => new MagnitudeCut(magnitude, ties);
    }),
  );
}

function thresholdsOf(
  kernels: Kernels,
  pieces: (look: Look) => void,
  tensors: number,
  counts: readonly number[],
): Threshold[][] {
  const free = kernels.checkpoint();
  const search = new ThresholdSearch(kernels, tensors, counts);
  pieces(search.first);
  const { second, thresholds } = search.narrow();
  pieces(second);
  const found = thresholds();
  free();
  return found;
}

/** The bucket of the count-th largest entry, and how many of the bucket's largest belong to the `count`. */
function bucketOf(buckets: Uint32Array, count: number): { readonly bucket: number; readonly missing: number } {
  let missing = count;
  let bucket = buckets.length - 1;
  for (; buckets[bucket]! < missing; bucket--) missing -= buckets[bucket]!;
  return { bucket, missing };
}

function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
