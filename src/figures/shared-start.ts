import type { UnitGrams } from "./delta.ts";

/**
 * The least cosine of adapters that started from one A. It was 0.58 to 0.88 for every pair of one training seed, and at most 0.06 for every
 * pair from several seeds or authors (docs/audit.md).
 */
const LEAST_START_COSINE = 0.3;
/** How many times the spread of random vectors the cosine must be, so that narrow modules prove nothing. */
const LEAST_TIMES_CHANCE = 4;

/** Sums over the pairs of units with the same number in two inputs, (T, T) each, the upper triangle. They add up over modules. Plain data. */
export interface StartSums {
  readonly cosines: number[];
  /** The variance of `cosines` if all a-halves were random. */
  readonly variance: number[];
  readonly units: number[];
}

/** The units of a module, as far as their starts go. */
type StartedUnits = Pick<UnitGrams, "ids" | "gramA" | "count"> & { readonly in: number };

/** Sums of zero, to add to. */
export function noStarts(inputs: number): StartSums {
  const zeros = (): number[] => new Array<number>(inputs * inputs).fill(0);
  return { cosines: zeros(), variance: zeros(), units: zeros() };
}

/** The sums of one module's units. */
export function startSums({ ids, gramA, count, in: size }: StartedUnits, inputs: number): StartSums {
  const sums = noStarts(inputs);
  const places = new Map<number, [input: number, place: number][]>();
  for (const [i, [input, unit]] of ids.entries()) places.set(unit, [...(places.get(unit) ?? []), [input, i]]);
  for (const own of places.values()) {
    for (const [t, i] of own) {
      for (const [u, j] of own) {
        if (u <= t) continue;
        const cell = t * inputs + u;
        sums.cosines[cell]! += gramA[i * count + j]! / Math.sqrt(gramA[i * count + i]! * gramA[j * count + j]!);
        sums.variance[cell]! += 1 / size;
        sums.units[cell]!++;
      }
    }
  }
  return sums;
}

/** Whether more than half of the adapters that act are in one group. @param groups of adapters that began alike */
export function mostAlike(groups: readonly (readonly number[])[], acts: readonly boolean[]): boolean {
  const acting = acts.filter(Boolean).length;
  return groups.some((group) => 2 * group.filter((t) => acts[t]).length > acting);
}

/**
 * Whether adapters began with the same random A. Training starts with B = 0, so A moves little, and the a-halves of the same number keep
 * pointing the same way.
 */
export class SharedStart {
  readonly #inputs: number;
  #sums: StartSums;

  constructor(inputs: number) {
    this.#inputs = inputs;
    this.#sums = noStarts(inputs);
  }

  add(units: StartedUnits): void {
    this.addSums(startSums(units, this.#inputs));
  }

  /** Add the sums of one module. */
  addSums({ cosines, variance, units }: StartSums): void {
    const plus = (one: readonly number[], other: readonly number[]): number[] => one.map((x, i) => x + other[i]!);
    const sums = this.#sums;
    this.#sums = {
      cosines: plus(sums.cosines, cosines),
      variance: plus(sums.variance, variance),
      units: plus(sums.units, units),
    };
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

  #between(t: number, u: number): { cosines: number; variance: number; units: number } {
    const cell = Math.min(t, u) * this.#inputs + Math.max(t, u);
    const { cosines, variance, units } = this.#sums;
    return { cosines: cosines[cell]!, variance: variance[cell]!, units: units[cell]! };
  }
}
