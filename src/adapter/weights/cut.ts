import type { ComposedFactor, FactorPiece, FactorRef, PlainFactor } from "../read-adapter.ts";

/** Some entries of all units of a factor; null where they are all zero. */
export function cutFactor(factor: FactorRef, from: number, count: number): FactorRef | null {
  if (!("pieces" in factor)) return cutPlain(factor, from, count);
  const pieces = factor.pieces.flatMap((piece): FactorPiece[] => {
    const first = Math.max(from, piece.entry);
    const size = Math.min(from + count, piece.entry + piece.factor.size) - first;
    if (size <= 0) return [];
    return [{ ...piece, factor: cutPlain(piece.factor, first - piece.entry, size), entry: first - from }];
  });
  return pieces.length === 0 ? null : composed(factor.rank, count, pieces);
}

/** Some entries of all units of a factor that is not put together from pieces. */
export function cutPlain<F extends PlainFactor>(factor: F, from: number, count: number): F {
  const step = "matrix" in factor ? 1 : factor.strides.entry;
  return { ...factor, size: count, offset: factor.offset + from * step };
}

/** A factor of pieces; the piece itself if it is the whole factor. @param pieces at least one; they must not overlap */
export function composed(rank: number, size: number, pieces: readonly FactorPiece[]): FactorRef {
  const [first] = pieces as [FactorPiece, ...FactorPiece[]];
  const { name, dtype, rank: units, size: entries } = first.factor;
  if (units === rank && entries === size && first.times === 1) return first.factor;
  const alike = pieces.every(({ factor, times }) => factor.dtype === dtype && Math.abs(times) === 1);
  return { name, dtype: alike ? dtype : "F32", rank, size, pieces } satisfies ComposedFactor;
}

/** The pieces of a factor, as part of a larger one. @param times its elements are multiplied by this */
export function piecesAt(factor: FactorRef, unit: number, entry: number, times: number): FactorPiece[] {
  if (!("pieces" in factor)) return [{ factor, unit, entry, times }];
  return factor.pieces.map((piece) => ({
    factor: piece.factor,
    unit: piece.unit + unit,
    entry: piece.entry + entry,
    times: piece.times * times,
  }));
}

/** A factor with the two halves of its entries swapped. @param factor of an even size */
export function swappedHalves(factor: FactorRef): FactorRef {
  const half = factor.size / 2;
  const [first, second] = [cutFactor(factor, 0, half), cutFactor(factor, half, half)];
  const pieces = [
    ...(second === null ? [] : piecesAt(second, 0, 0, 1)),
    ...(first === null ? [] : piecesAt(first, 0, half, 1)),
  ];
  return composed(factor.rank, factor.size, pieces);
}
