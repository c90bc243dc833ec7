import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";

const take = (seed: number, count: number): number[] => {
  const { uint32 } = seededRandom(seed);
  return Array.from({ length: count }, uint32);
};

/** sfc32 of PractRand in exact integers: the definition, for comparison. */
function sfc32(seed: bigint, skip: number, count: number): number[] {
  const mask = 0xffffffffn;
  let [a, b, c, counter] = [0x9e3779b9n, seed & mask, (seed >> 32n) & mask, 1n];
  const numbers: number[] = [];
  for (let i = 0; i < skip + count; i++) {
    const sum = (a + b + counter) & mask;
    counter = (counter + 1n) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = ((((c << 21n) & mask) | (c >> 11n)) + sum) & mask;
    if (i >= skip) numbers.push(Number(sum));
  }
  return numbers;
}

describe("seededRandom", () => {
  it.each([0, 1, 42, 2 ** 32 + 5, 2 ** 53 - 1, -1, -(2 ** 40)])(
    "is sfc32 for seed %i, stirred by twelve rounds",
    (seed) => {
      expect(take(seed, 200)).toEqual(sfc32(BigInt(seed), 12, 200));
    },
  );

  it("gives the same numbers for the same seed for ever: results on disk depend on them", () => {
    expect(take(0, 4)).toEqual([2297102522, 4242804496, 2805528058, 609994695]);
  });

  it("gives other numbers for other seeds, also those that differ above 32 bits", () => {
    const firsts = [0, 1, 2, -1, 2 ** 32, 2 ** 33, 2 ** 52].map((seed) => take(seed, 2).join());
    expect(new Set(firsts).size).toBe(7);
  });

  it("keeps generators apart", () => {
    const [one, other] = [seededRandom(3), seededRandom(3)];
    const mixed = [one.uint32(), other.uint32(), one.uint32(), other.uint32()];
    expect([mixed[0], mixed[2]]).toEqual(take(3, 2));
    expect([mixed[1], mixed[3]]).toEqual(take(3, 2));
  });

  it("gives uniform numbers in [0, 1) from the same words", () => {
    const { uniform } = seededRandom(7);
    expect(Array.from({ length: 5 }, uniform)).toEqual(take(7, 5).map((word) => word / 2 ** 32));
  });

  it("gives whole numbers below a limit, each about as often", () => {
    const { below } = seededRandom(11);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) counts[below(6)]!++;
    expect(counts.reduce((sum, count) => sum + count)).toBe(60_000);
    // Standard deviation 91.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    expect(below(1)).toBe(0);
    expect(below(2 ** 32)).toBeLessThan(2 ** 32);
  });
});
