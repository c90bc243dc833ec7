import type { Adapter } from "../../adapter/adapter.ts";
import { refuseMisfits } from "../../adapter/compatibility.ts";
import { addProducts, type DeltaProducts, inputProducts, noProducts } from "../../figures/delta.ts";
import { EnergyByRank } from "../../figures/energy-by-rank.ts";
import { shareOfB } from "../../figures/share-of-b.ts";
import { SharedStart } from "../../figures/shared-start.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { Pool } from "../../units/pool.ts";
import { adapterSpectrum, readPool, spectrumOf } from "../pools.ts";
import { AdapterTally } from "./adapter-tally.ts";
import { KindConflicts } from "./kind-conflicts.ts";

/** Sums over the modules of a set of adapters, from which an audit is made. */
export class SetTally {
  /** The set, under one naming of modules. */
  adapters: readonly Adapter[];
  readonly tallies: readonly AdapterTally[];
  readonly start: SharedStart;
  readonly conflicts: KindConflicts = new KindConflicts();
  readonly energies: EnergyByRank = new EnergyByRank();
  products: DeltaProducts;
  readonly #sharesOfB: number[] = [];
  /** Modules whose units are too many to compare. */
  apart = 0;

  /** @throws RefusedError for adapters of different models or shapes, whose modules cannot be read as one pool */
  constructor(adapters: readonly Adapter[]) {
    refuseMisfits(adapters, true, false);
    this.adapters = adapters;
    this.tallies = adapters.map(() => new AdapterTally());
    this.start = new SharedStart(adapters.length);
    this.products = noProducts(adapters.length);
  }

  /**
   * @param own products of the module's deltas
   * @param signs share of the module's sampled entries in which two adapters differ; null if there are none
   */
  add(name: string, pool: Pool, own: DeltaProducts, signs: number | null): void {
    for (const [t, { modules }] of this.adapters.entries()) {
      if (modules.has(name)) this.tallies[t]!.add(adapterSpectrum(pool, t));
    }
    this.conflicts.add(name, own, signs);
    this.start.add(pool);
    if (pool.count > 0) this.#sharesOfB.push(shareOfB(pool.gramA, pool.gramB, pool.count + 1));
    this.energies.add(spectrumOf(pool, [...pool.ids.keys()], () => 1));
    this.products = addProducts(this.products, own);
  }

  /** Give the adapters other names, for sentences about them. */
  rename(names: readonly string[]): void {
    this.adapters = this.adapters.map((adapter, t) => ({ ...adapter, name: names[t]! }));
  }

  /** B's share of the units' squared length, mean over the modules that were compared; null if none were. */
  get shareOfB(): number | null {
    const shares = this.#sharesOfB;
    return shares.length === 0 ? null : shares.reduce((sum, own) => sum + own, 0) / shares.length;
  }

  /**
   * Add a module whose units are too many to compare, adapter by adapter.
   *
   * @returns singular values of each adapter's delta; null if it lacks the module
   */
  async addApart(kernels: Kernels, name: string): Promise<(readonly number[] | null)[]> {
    this.apart++;
    const spectra: (readonly number[] | null)[] = [];
    for (const t of this.adapters.keys()) {
      const alone = this.adapters.map((_, u) => (t === u ? 1 : 0));
      const pool = await readPool(kernels, this.adapters, name, alone);
      spectra.push(pool === null ? null : this.#addAlone(name, t, pool));
    }
    return spectra;
  }

  /** Add one adapter's part of a module, so that its products with others are not known. @param pool its units alone */
  #addAlone(name: string, t: number, pool: Pool): readonly number[] {
    const spectrum = adapterSpectrum(pool, t);
    this.tallies[t]!.add(spectrum);
    const { length } = this.adapters;
    const own = inputProducts(pool, length);
    const unknown = own.inputs.map((product, cell) => {
      const other = cell % length;
      const pair = Math.floor(cell / length) === t && other !== t && this.adapters[other]!.modules.has(name);
      return pair ? Number.NaN : product;
    });
    this.products = addProducts(this.products, { ...own, inputs: unknown });
    return spectrum;
  }
}
