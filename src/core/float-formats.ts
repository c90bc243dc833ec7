/**
 * Scalar conversions between f32 and the small float formats, written for clarity: the reference for the kernels, also used for headers
 * and tests. f64 needs none: `Math.fround` rounds to f32, and every f32 is a number already.
 */

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The value of a format with Inf and NaN in the last exponent, as in IEEE 754. */
function decode(bits: number, exponentBits: number, mantissaBits: number): number {
  const sign = (bits >>> (exponentBits + mantissaBits)) & 1 ? -1 : 1;
  const exponent = (bits >>> mantissaBits) & (2 ** exponentBits - 1);
  const mantissa = bits & (2 ** mantissaBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + mantissa / 2 ** mantissaBits) * 2 ** (exponent - bias);
}

/** The bits nearest to f32(value), ties to even; Inf beyond the largest finite value; every NaN becomes the positive quiet NaN. */
function encode(value: number, exponentBits: number, mantissaBits: number): number {
  const infinity = (2 ** exponentBits - 1) * 2 ** mantissaBits;
  if (Number.isNaN(value)) return infinity + 2 ** (mantissaBits - 1);
  float[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 31) * 2 ** (exponentBits + mantissaBits);
  const magnitude = Math.abs(float[0]!);
  if (magnitude === Number.POSITIVE_INFINITY) return sign + infinity;
  // Below the smallest normal exponent the step width stays the same.
  const smallest = 2 - 2 ** (exponentBits - 1);
  const exponent = Math.max(((bits >>> 23) & 255) - 127, smallest);
  const steps = roundHalfEven(magnitude / 2 ** (exponent - mantissaBits));
  // `steps` includes the implicit bit of a normal number, which carries into the exponent field; so does rounding up to 2.
  return sign + Math.min((exponent - smallest) * 2 ** mantissaBits + steps, infinity);
}

function roundHalfEven(x: number): number {
  // A double of this size has no room for a fraction, so the addition rounds half to even.
  return x + 2 ** 52 - 2 ** 52;
}

/** The value of f16 (IEEE binary16) bits; exact. */
export function f16ToF32(bits: number): number {
  return decode(bits, 5, 10);
}

/** The value of bf16 bits; exact. */
export function bf16ToF32(bits: number): number {
  return decode(bits, 8, 7);
}

/** The value of f8 e5m2 bits; exact. */
export function f8E5m2ToF32(bits: number): number {
  return decode(bits, 5, 2);
}

/** The value of f8 e4m3fn bits; exact. The format has no Inf, and 0x7f and 0xff are its only NaNs. */
export function f8E4m3ToF32(bits: number): number {
  if ((bits & 0x7f) === 0x7f) return Number.NaN;
  // The last exponent holds ordinary numbers, so decode in a format with one more exponent bit and a larger bias.
  return decode(((bits & 0x80) << 1) | (bits & 0x7f), 5, 3) * 2 ** 8;
}

/** The f16 bits nearest to f32(value), ties to even; Inf from 65520 up; every NaN becomes 0x7e00. */
export function f32ToF16(value: number): number {
  return encode(value, 5, 10);
}

/** The bf16 bits nearest to f32(value), ties to even; every NaN becomes 0x7fc0. */
export function f32ToBf16(value: number): number {
  return encode(value, 8, 7);
}
