import type { Adapter } from "../../adapter/adapter.ts";
import { refuseMisfits } from "../../adapter/compatibility.ts";
import { addProducts, type DeltaProducts, noProducts } from "../../figures/delta.ts";
import type { Pool } from "../../units/pool.ts";
import { adapterSpectrum, spectrumOf } from "../pools.ts";
import { AdapterTally } from "./adapter-tally.ts";
import { EnergyByRank } from "./energy-by-rank.ts";
import { KindConflicts } from "./kind-conflicts.ts";
import { SharedStart } from "./shared-start.ts";

/** Sums over the modules of a set of adapters, from which an audit is made. */
export class SetTally {
  /** The set, under one naming. */
  readonly adapters: readonly Adapter[];
  readonly tallies: readonly AdapterTally[];
  readonly start: SharedStart;
  readonly conflicts: KindConflicts = new KindConflicts();
  readonly energies: EnergyByRank = new EnergyByRank();
  products: DeltaProducts;

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
    this.energies.add(spectrumOf(pool, [...pool.ids.keys()], () => 1));
    this.products = addProducts(this.products, own);
  }
}
