import type { Adapter, DialectId } from "../../adapter/adapter.ts";
import { effectiveRank, MeanSpectrum } from "../../figures/spectrum.ts";
import { energyRank } from "../../methods/resolve-rank.ts";

/** How many times the second singular value the first must be to stand out. */
export const OUTLIER_TIMES = 10;
/** sv_fro of 90 % of the energy. */
const MOST_ENERGY = { rule: "sv_fro", threshold: Math.sqrt(0.9) } as const;

/** The facts about one adapter of a set. */
export interface AuditedAdapter {
  readonly name: string;
  readonly format: DialectId;
  readonly baseModel: string | null;
  readonly bytes: number;
  readonly modules: number;
  /** Each rank that a module has, ascending. */
  readonly ranks: readonly number[];
  /** Frobenius norm of all deltas together. */
  readonly norm: number;
  /** <D_t, S> / |S|^2, with the sum S of all adapters' deltas: the shares add up to 1. null if S is zero. */
  readonly share: number | null;
  /** Effective rank of the deltas, mean over the modules that are not zero; so are the next two. null if all are zero. */
  readonly effectiveRank: number | null;
  /** How many leading singular values hold 90 % of a delta's energy. */
  readonly energyRank: number | null;
  /** Singular values relative to the largest, the first 64. */
  readonly spectrum: readonly number[];
  /** Modules whose delta is zero. */
  readonly zeroModules: number;
  /** Modules whose first singular value is more than 10 times the second. */
  readonly outliers: number;
}

/** Sums over the modules of one adapter. */
export class AdapterTally {
  readonly #spectrum = new MeanSpectrum();
  readonly #effective: number[] = [];
  readonly #energy: number[] = [];
  #zero = 0;
  #outliers = 0;

  /** @param sigma singular values of one module's delta, descending and above zero */
  add(sigma: readonly number[]): void {
    const [first, second] = sigma;
    if (first === undefined) {
      this.#zero++;
      return;
    }
    this.#spectrum.add(sigma);
    this.#effective.push(effectiveRank(sigma));
    this.#energy.push(energyRank(sigma, MOST_ENERGY));
    if (second !== undefined && first > OUTLIER_TIMES * second) this.#outliers++;
  }

  /** @param norm of all deltas together, and the adapter's share of the sum */
  facts({ name, format, baseModel, files, modules }: Adapter, norm: number, share: number | null): AuditedAdapter {
    return {
      name,
      format,
      baseModel,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      modules: modules.size,
      ranks: [...new Set(Array.from(modules.values(), ({ rank }) => rank))].sort((one, other) => one - other),
      norm,
      share,
      effectiveRank: mean(this.#effective),
      energyRank: mean(this.#energy),
      spectrum: this.#spectrum.values,
      zeroModules: this.#zero,
      outliers: this.#outliers,
    };
  }
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
