/** Gram matrices of units with halves of about equal length. */
export interface Balanced {
  /** Inner products (n, n) of the a_i 2^turns[i]. */
  readonly a: Float64Array;
  /** Inner products (n, n) of the b_i 2^-turns[i]. */
  readonly b: Float64Array;
  /** (n) */
  readonly turns: Int32Array;
}

/**
 * Make the halves of every unit equally long, up to a factor of two, by powers of two; the deltas b_i a_i^T keep every bit. A unit that
 * is then small compared with others is small in its delta, not just because of how the delta was split into factors.
 *
 * @param gramA inner products (n, n) of the a_i, finite; gramB likewise of the b_i
 */
export function balance(gramA: Float64Array, gramB: Float64Array, n: number): Balanced {
  const turns = Int32Array.from({ length: n }, (_, i) => {
    const [squareA, squareB] = [gramA[i * n + i]!, gramB[i * n + i]!];
    return squareA > 0 && squareB > 0 ? Math.round((Math.log2(squareB) - Math.log2(squareA)) / 4) : 0;
  });
  const turned = (gram: Float64Array, sign: number): Float64Array => {
    const factors = Float64Array.from(turns, (turn) => 2 ** (sign * turn));
    const out = new Float64Array(n * n);
    for (let i = 0, at = 0; i < n; i++) {
      for (let j = 0; j < n; j++, at++) out[at] = gram[at]! * factors[i]! * factors[j]!;
    }
    return out;
  };
  return { a: turned(gramA, 1), b: turned(gramB, -1), turns };
}
