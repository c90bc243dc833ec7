/**
 * Effective rank of a spectrum: exp of the entropy of the singular values' shares (Roy and Vetterli 2007). 1 for a single
 * direction, n for n equal values, 0 for none.
 */
export function effectiveRank(sigma: readonly number[]): number {
  const total = sigma.reduce((sum, value) => sum + value, 0);
  if (total === 0) return 0;
  let entropy = 0;
  for (const value of sigma) if (value > 0) entropy -= (value / total) * Math.log(value / total);
  return Math.exp(entropy);
}

/** How many leading values of a spectrum are kept; the rest of a merge's spectrum matters little. */
const KEPT = 64;

/** The mean over modules of their relative spectra sigma_j / sigma_1, first 64 values; modules with a zero delta do not count. */
export class MeanSpectrum {
  readonly #sums: number[] = [];
  #modules = 0;

  /** @param sigma singular values of one module, descending */
  add(sigma: readonly number[]): void {
    const [first] = sigma;
    if (first === undefined || first === 0) return;
    this.#modules++;
    for (const [j, value] of sigma.slice(0, KEPT).entries()) this.#sums[j] = (this.#sums[j] ?? 0) + value / first;
  }

  /** Descending from 1; empty if every delta is zero. */
  get values(): number[] {
    return this.#sums.map((sum) => sum / this.#modules);
  }
}
