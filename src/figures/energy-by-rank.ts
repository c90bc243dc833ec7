/** The energy that the leading singular values of several modules hold together, by rank. */
export class EnergyByRank {
  /** Energy of the values at each position, over all modules. */
  readonly #energies: number[] = [];
  #held = 0;

  /**
   * @param sigma singular values of one module, descending
   * @param rank how many of them the module may keep; all by default
   */
  add(sigma: readonly number[], rank: number = sigma.length): void {
    for (const [j, value] of sigma.entries()) {
      this.#energies[j] = (this.#energies[j] ?? 0) + value * value;
      if (j < rank) this.#held += value * value;
    }
  }

  /** The share of all energy that the modules may keep; null if there is none. */
  get kept(): number | null {
    return this.#shareOf(this.#held);
  }

  /** The share of all energy that one rank for all modules holds; null if there is none. */
  heldBy(rank: number): number | null {
    return this.#shareOf(this.#energies.slice(0, rank).reduce((sum, energy) => sum + energy, 0));
  }

  /** The smallest rank for all modules alike that holds a share of the energy, at least 1. */
  rankFor(share: number): number {
    const all = this.#all;
    let held = 0;
    for (const [j, energy] of this.#energies.entries()) {
      held += energy;
      if (held >= share * all) return j + 1;
    }
    return Math.max(1, this.#energies.length);
  }

  #shareOf(energy: number): number | null {
    const all = this.#all;
    return all === 0 ? null : energy / all;
  }

  get #all(): number {
    return this.#energies.reduce((sum, energy) => sum + energy, 0);
  }
}
