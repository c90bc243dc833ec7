/**
 * B's share of the units' squared length, which says how much their grouping sees of it.
 *
 * @param a squared lengths of the a-halves, `step` apart: 1, or n + 1 on the diagonal of a Gram matrix (n, n); b likewise
 */
export function shareOfB(a: Float64Array, b: Float64Array, step: number = 1): number {
  let [ofA, ofB] = [0, 0];
  for (let at = 0; at < a.length; at += step) {
    ofA += a[at]!;
    ofB += b[at]!;
  }
  return ofB / (ofA + ofB);
}
