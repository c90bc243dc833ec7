import { type Random, seededRandom } from "../core/random.ts";

/** Number of random clusterings that a merge's purity is compared with. */
const DRAWS = 50;

/** How pure clusters are by adapter, compared with random clusters of the same sizes. */
export interface Purity {
  /** Share of the units that are in a cluster whose majority comes from their own adapter. */
  readonly purity: number;
  /** Mean and standard deviation over random assignments of the same units to clusters of the same sizes. */
  readonly chance: number;
  readonly deviation: number;
}

/**
 * Purity of clusters, each given as the adapters of its members, against `draws` random assignments.
 */
export function clusterPurity(clusters: readonly (readonly number[])[], random: Random, draws: number): Purity {
  const units = clusters.flat();
  const sizes = clusters.map((members) => members.length);
  const found: number[] = [];
  const shuffled = [...units];
  for (let draw = 0; draw < draws; draw++) {
    for (let x = shuffled.length - 1; x > 0; x--) {
      const y = random.below(x + 1);
      [shuffled[x], shuffled[y]] = [shuffled[y]!, shuffled[x]!];
    }
    let from = 0;
    let pure = 0;
    for (const size of sizes) {
      pure += majority(shuffled.slice(from, from + size));
      from += size;
    }
    found.push(pure / units.length);
  }
  const mean = found.reduce((sum, value) => sum + value, 0) / draws;
  const variance = found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws;
  const pure = clusters.reduce((sum, members) => sum + majority(members), 0);
  return { purity: pure / units.length, chance: mean, deviation: Math.sqrt(variance) };
}

function majority(members: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const adapter of members) counts.set(adapter, (counts.get(adapter) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

/** The purity of the clusters of several modules together, each counted by its units. */
export class MeanPurity {
  readonly #random: Random;
  readonly #draws: number;
  #units = 0;
  #purity = 0;
  #chance = 0;
  #variance = 0;

  /** @param draws random assignments for each module */
  constructor(random: Random, draws: number) {
    this.#random = random;
    this.#draws = draws;
  }

  /** Add the clusters of one module, each given as the adapters of its members. */
  add(clusters: readonly (readonly number[])[]): void {
    const units = clusters.reduce((sum, { length }) => sum + length, 0);
    if (units === 0) return;
    const { purity, chance, deviation } = clusterPurity(clusters, this.#random, this.#draws);
    this.#units += units;
    this.#purity += units * purity;
    this.#chance += units * chance;
    this.#variance += (units * deviation) ** 2;
  }

  /** null if no module has units. */
  get figures(): Purity | null {
    if (this.#units === 0) return null;
    return {
      purity: this.#purity / this.#units,
      chance: this.#chance / this.#units,
      deviation: Math.sqrt(this.#variance) / this.#units,
    };
  }
}

/** The purity of all clusters of a merge: for each module, for each cluster, the adapter of each unit. Deterministic. */
export function clustersPurity(modules: readonly (readonly (readonly number[])[])[]): Purity | null {
  const pure = new MeanPurity(seededRandom(0), DRAWS);
  for (const module of modules) pure.add(module);
  return pure.figures;
}
