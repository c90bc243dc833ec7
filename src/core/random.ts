/** A small seeded generator of uniform random numbers; the same seed gives the same numbers on every machine. */
export interface Random {
  /** A whole number in [0, 2^32). */
  uint32(): number;
  /** A number in [0, 1) with 32 random bits. */
  uniform(): number;
  /** A whole number in [0, limit), limit <= 2^32. */
  below(limit: number): number;
}

/**
 * sfc32 of the PractRand suite (three 32-bit words of state and a counter, period at least 2^32), filled from the seed and
 * mixed by twelve rounds.
 *
 * @param seed any finite number; its low 53 bits count
 */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = seed | 0;
  let c = Math.floor(seed / 2 ** 32) | 0;
  let counter = 1;
  const uint32 = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) uint32();
  const uniform = (): number => uint32() / 2 ** 32;
  return { uint32, uniform, below: (limit) => Math.floor(uniform() * limit) };
}
