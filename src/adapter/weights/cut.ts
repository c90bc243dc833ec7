import { RefusedError } from "../../core/errors.ts";
import type { ComposedFactor, FactorPiece, FactorRef, PlainFactor } from "../read-adapter.ts";

/**
 * Some entries of all units of a factor, one of every `step`; null where they are all zero.
 *
 * @param step 1, or that of the pieces if these are in turn
 */
export function cutFactor(factor: FactorRef, from: number, count: number, step = 1): FactorRef | null {
  if (!("pieces" in factor)) return cutPlain(factor, from, count, step);
  const pieces = factor.pieces.flatMap((piece): FactorPiece[] => {
    const { factor: own, entry, step: stride = 1 } = piece;
    // Entry x of the piece is entry x * stride + entry of the whole, so entry (x * stride + entry - from) / step of the cut.
    const every = step / stride;
    let first = Math.max(0, Math.ceil((from - entry) / stride));
    while (every > 1 && (entry + first * stride - from) % step !== 0) first++;
    const at = (entry + first * stride - from) / step;
    const apart = Math.max(1, stride / step);
    const size = Math.min(Math.ceil((own.size - first) / Math.max(1, every)), Math.ceil((count - at) / apart));
    if (size <= 0 || !Number.isInteger(at)) return [];
    return piecesAt(cutPlain(own, first, size, Math.max(1, every)), piece.unit, at, piece.times, apart);
  });
  return pieces.length === 0 ? null : composed(factor.rank, count, pieces);
}

/** Some entries of all units of a factor that is not put together from pieces, one of every `step`. */
export function cutPlain<F extends PlainFactor>(factor: F, from: number, count: number, step = 1): F {
  if (!("matrix" in factor)) {
    const { unit, entry } = factor.strides;
    return { ...factor, size: count, offset: factor.offset + from * entry, strides: { unit, entry: entry * step } };
  }
  if (step !== 1)
    throw new RefusedError(
      `${factor.name} is computed from smaller tensors, whose rows cannot be taken in turn; resize that adapter first.`,
    );
  return { ...factor, size: count, offset: factor.offset + from };
}

/** A factor of pieces; the piece itself if it is the whole factor. @param pieces at least one; they must not overlap */
export function composed(rank: number, size: number, pieces: readonly FactorPiece[]): FactorRef {
  const [first] = pieces as [FactorPiece, ...FactorPiece[]];
  const { name, dtype, rank: units, size: entries } = first.factor;
  if (units === rank && entries === size && first.times === 1) return first.factor;
  const alike = pieces.every(({ factor, times }) => factor.dtype === dtype && Math.abs(times) === 1);
  return { name, dtype: alike ? dtype : "F32", rank, size, pieces } satisfies ComposedFactor;
}

/**
 * The pieces of a factor, as part of a larger one.
 *
 * @param times its elements are multiplied by this
 * @param step between its entries there
 */
export function piecesAt(factor: FactorRef, unit: number, entry: number, times: number, step = 1): FactorPiece[] {
  const stepped = (one: number) => (one === 1 ? {} : { step: one });
  if (!("pieces" in factor)) return [{ factor, unit, entry, times, ...stepped(step) }];
  return factor.pieces.map((piece) => ({
    factor: piece.factor,
    unit: piece.unit + unit,
    entry: piece.entry * step + entry,
    times: piece.times * times,
    ...stepped((piece.step ?? 1) * step),
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
