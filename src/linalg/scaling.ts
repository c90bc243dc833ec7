/**
 * The exponent e of the largest |value|, which is between 2^e and 2^(e + 1), up to the rounding of a logarithm. 0 if all are zero.
 *
 * Decompositions divide by 2^e first, so that no intermediate square leaves the range of f64. Only values below 2^-1022 of the largest
 * are lost; no other bit of the result changes.
 */
export function exponentOf(values: Float64Array): number {
  let largest = 0;
  for (let at = 0; at < values.length; at++) largest = Math.max(largest, Math.abs(values[at]!));
  return largest > 0 && largest < Number.POSITIVE_INFINITY ? Math.floor(Math.log2(largest)) : 0;
}

/** The values times 2^exponent, which itself may be out of range of f64: denormals times 2^1074 are of size one. @param out where to */
export function timesPowerOfTwo(
  values: Float64Array,
  exponent: number,
  out: Float64Array = new Float64Array(values.length),
): Float64Array {
  const half = Math.trunc(exponent / 2);
  const [one, other] = [2 ** half, 2 ** (exponent - half)];
  for (let at = 0; at < values.length; at++) out[at] = values[at]! * one * other;
  return out;
}
