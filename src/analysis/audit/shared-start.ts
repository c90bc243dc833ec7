import type { Pool } from "../../units/pool.ts";

/**
 * The least cosine of adapters that started from one A. It was 0.58 to 0.88 for every pair of one training seed, and at most 0.06 for every
 * pair from several seeds or authors (docs/audit.md).
 */
const LEAST_START_COSINE = 0.3;
/** How many times the spread of random vectors the cosine must be, so that narrow modules prove nothing. */
const LEAST_TIMES_CHANCE = 4;

/** Sums over the pairs of units with the same number in two adapters. */
interface PairSum {
  cosines: number;
  /** The variance of `cosines` if all a-halves were random. */
  variance: number;
  units: number;
}

/**
 * Whether adapters began with the same random A. Training starts with B = 0, so A moves little, and the a-halves of the same number keep
 * pointing the same way.
 */
export class SharedStart {
  readonly #inputs: number;
  /** (T, T), the upper triangle. */
  readonly #sums: PairSum[];

  constructor(inputs: number) {
    this.#inputs = inputs;
    this.#sums = Array.from({ length: inputs * inputs }, () => ({ cosines: 0, variance: 0, units: 0 }));
  }

  add({ ids, gramA, count, in: inputs }: Pick<Pool, "ids" | "gramA" | "count" | "in">): void {
    const places = new Map<number, [input: number, place: number][]>();
    for (const [i, [input, unit]] of ids.entries()) places.set(unit, [...(places.get(unit) ?? []), [input, i]]);
    for (const own of places.values()) {
      for (const [t, i] of own) {
        for (const [u, j] of own) {
          if (u <= t) continue;
          const sum = this.#sums[t * this.#inputs + u]!;
          sum.cosines += gramA[i * count + j]! / Math.sqrt(gramA[i * count + i]! * gramA[j * count + j]!);
          sum.variance += 1 / inputs;
          sum.units++;
        }
      }
    }
  }

  /** Mean cosine of the a-halves with the same number in two adapters; null if there are none. */
  cosine(t: number, u: number): number | null {
    const { cosines, units } = this.#between(t, u);
    return units === 0 ? null : cosines / units;
  }

  /** The adapters that began with the same A: groups of at least two, each ascending. */
  groups(): number[][] {
    const group = Array.from({ length: this.#inputs }, (_, t) => t);
    for (let t = 0; t < this.#inputs; t++) {
      for (let u = t + 1; u < this.#inputs; u++) {
        if (!this.#shared(t, u)) continue;
        const [kept, joined] = [group[t]!, group[u]!];
        for (let x = 0; x < group.length; x++) if (group[x] === joined) group[x] = kept;
      }
    }
    const members = [...new Set(group)].map((own) => group.flatMap((other, t) => (other === own ? [t] : [])));
    return members.filter(({ length }) => length > 1);
  }

  #shared(t: number, u: number): boolean {
    const { cosines, variance, units } = this.#between(t, u);
    return units > 0 && cosines >= LEAST_START_COSINE * units && cosines >= LEAST_TIMES_CHANCE * Math.sqrt(variance);
  }

  #between(t: number, u: number): PairSum {
    return this.#sums[Math.min(t, u) * this.#inputs + Math.max(t, u)]!;
  }
}
