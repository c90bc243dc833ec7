import { MagnitudeCut } from "./sparsify.ts";

/** Passes all pieces of all tensors to `use`: each tensor's pieces in index order, the same at every call. */
export type Pieces = (use: (values: Float32Array, tensor: number) => void) => void;

/** A cut that has not been used yet; `MagnitudeCut` counts its ties down. */
export type FreshCut = () => MagnitudeCut;

const BUCKETS = 2 ** 16;
/** Magnitudes sort like the bits of their f32 without the sign. */
const MAGNITUDE_BITS = 0x7fffffff;

/**
 * The exact cuts that keep the `count` largest |entries| of f32 tensors given in pieces, without holding a tensor. One pass counts the
 * upper 16 bits of every magnitude, a second pass the lower 16 bits of those in the bucket of the cut.
 *
 * @param tensors how many there are, each of `size` entries
 * @param counts the numbers of entries to keep; no pass is made if all entries are kept, or none
 * @returns [tensor][count]
 */
export function largestOfPieces(
  pieces: Pieces,
  tensors: number,
  size: number,
  counts: readonly number[],
): FreshCut[][] {
  const inside = counts.filter((count) => count > 0 && count < size);
  const lists = inside.length === 0 ? [] : selectInside(pieces, tensors, inside);
  return Array.from({ length: tensors }, (_, tensor) =>
    counts.map((count) => {
      if (count >= size) return () => new MagnitudeCut(-1, 0);
      if (count <= 0) return () => new MagnitudeCut(Number.POSITIVE_INFINITY, 0);
      const { threshold, ties } = lists[tensor]![inside.indexOf(count)]!;
      return () => new MagnitudeCut(threshold, ties);
    }),
  );
}

interface Place {
  readonly threshold: number;
  readonly ties: number;
}

function selectInside(pieces: Pieces, tensors: number, counts: readonly number[]): Place[][] {
  const upper = Array.from({ length: tensors }, () => new Uint32Array(BUCKETS));
  pieces((values, tensor) => {
    const buckets = upper[tensor]!;
    const bits = bitsOf(values);
    for (let i = 0; i < bits.length; i++) buckets[(bits[i]! & MAGNITUDE_BITS) >>> 16]!++;
  });
  const found = upper.map((buckets) =>
    counts.map((count) => ({ ...bucketOf(buckets, count), lower: new Uint32Array(BUCKETS) })),
  );
  pieces((values, tensor) => {
    const bits = bitsOf(values);
    for (const { bucket, lower } of found[tensor]!) {
      for (let i = 0; i < bits.length; i++) {
        const magnitude = bits[i]! & MAGNITUDE_BITS;
        if (magnitude >>> 16 === bucket) lower[magnitude & 0xffff]!++;
      }
    }
  });
  return found.map((places) =>
    places.map(({ bucket, lower, missing }) => {
      const last = bucketOf(lower, missing);
      return { threshold: floatOf(bucket * BUCKETS + last.bucket), ties: last.missing };
    }),
  );
}

/** The bucket of the count-th largest entry, and how many of the bucket's largest belong to the `count`. */
function bucketOf(buckets: Uint32Array, count: number): { readonly bucket: number; readonly missing: number } {
  let missing = count;
  let bucket = BUCKETS - 1;
  for (; buckets[bucket]! < missing; bucket--) missing -= buckets[bucket]!;
  return { bucket, missing };
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
