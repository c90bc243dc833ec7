import type { Adapter } from "../adapter/adapter.ts";
import { seededRandom } from "../core/random.ts";
import { cosineBetween, inputProducts, normOf } from "../figures/delta.ts";
import { clusterPurity, type Purity } from "../figures/purity.ts";
import { mostAlike } from "../figures/shared-start.ts";
import { effectiveRank } from "../figures/spectrum.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { PAPER } from "../methods/lego/options.ts";
import { legoRank } from "../plan/lego-rank.ts";
import { isStreamed } from "../units/memory.ts";
import type { Pool } from "../units/pool.ts";
import { SetTally } from "./audit/set-tally.ts";
import { blockNames } from "./blocks.ts";
import { legoOn } from "./lego-on.ts";
import { adapterSpectrum, moduleNames, readPool } from "./pools.ts";
import { SignSample } from "./sign-sample.ts";

/** Number of random clusterings that purity is compared with. */
const DRAWS = 50;

/** Figures of one module in all adapters. */
export interface ModuleOverview {
  readonly name: string;
  /** What people call the block of an image or video model that it is part of, such as IN04; null for other models. */
  readonly block: string | null;
  readonly in: number;
  readonly out: number;
  /** Frobenius norm and effective rank of each adapter's delta; null if it lacks the module. */
  readonly norms: readonly (number | null)[];
  readonly effectiveRanks: readonly (number | null)[];
  /** Cosine of each pair of adapters' deltas, (T, T); null if one is zero or absent, or their units are too many to compare. */
  readonly cosines: readonly (readonly (number | null)[])[];
  /** Share of sampled entries in which two adapters' deltas have different signs, mean over pairs; null with fewer than two, or too many units. */
  readonly signConflicts: number | null;
  /**
   * Purity by adapter of LEGO's clusters, at `legoRank` by what is known of the adapters up to this module until `settle` is called;
   * null with fewer than two adapters, or too many units.
   */
  readonly purity: (Purity & { readonly rank: number }) | null;
}

/** What a pass over the modules leaves. */
export interface OverviewPass {
  /** The sums that an audit of the set is made from. */
  readonly tally: SetTally;
  /**
   * Read the modules again that were clustered for purity at another rank, because too little of the set was known, and tell of each.
   *
   * @param rank for LEGO; null for `legoRank` by all modules
   */
  settle(rank: number | null): Promise<void>;
}

/**
 * Figures of adapters module by module: one pass over them, sums in f64.
 *
 * @param onModule called with every module when it is done
 * @throws RefusedError for adapters of different models or shapes, before anything is read
 */
export async function overviewOf(
  kernels: Kernels,
  adapters: readonly Adapter[],
  onModule: (module: ModuleOverview, of: number) => void,
  signal?: AbortSignal,
): Promise<OverviewPass> {
  const random = seededRandom(0);
  const names = moduleNames(adapters);
  const blockOf = blockNames(adapters);
  const tally = new SetTally(adapters);
  const rankNow = rankOf(tally, names);
  const clustered: { readonly module: ModuleOverview; readonly units: number }[] = [];
  for (const name of names) {
    signal?.throwIfAborted();
    const parts = adapters.flatMap(({ modules }) => modules.get(name) ?? []);
    if (isStreamed(parts)) {
      const spectra = await tally.addApart(kernels, name);
      onModule(
        apartOverview({ name, block: blockOf(name), in: parts[0]!.in, out: parts[0]!.out }, spectra),
        names.length,
      );
      continue;
    }
    const pool = await readPool(kernels, adapters, name);
    if (pool === null) continue;
    const has = adapters.map(({ modules }) => modules.has(name));
    const products = inputProducts(pool, adapters.length);
    const pairs = await SignSample.draw(pool, random.below, adapters.length);
    const signs = pairs.conflictsBetween();
    tally.add(name, pool, products, signs);
    const module: ModuleOverview = {
      name,
      block: blockOf(name),
      in: pool.in,
      out: pool.out,
      norms: has.map((own, t) => (own ? normOf(products, t) : null)),
      effectiveRanks: has.map((own, t) => (own ? effectiveRank(adapterSpectrum(pool, t)) : null)),
      cosines: adapters.map((_, t) => adapters.map((_, u) => cosineBetween(products, t, u))),
      signConflicts: signs,
      purity: parts.length < 2 || pool.count === 0 ? null : await purityAt(pool, Math.min(rankNow(), pool.count)),
    };
    if (module.purity !== null) clustered.push({ module, units: pool.count });
    onModule(module, names.length);
  }
  const settle = async (wanted: number | null): Promise<void> => {
    for (const { module, units } of clustered) {
      const rank = Math.min(wanted ?? rankNow(), units);
      if (module.purity!.rank === rank) continue;
      signal?.throwIfAborted();
      const pool = (await readPool(kernels, adapters, module.name))!;
      onModule({ ...module, purity: await purityAt(pool, rank) }, names.length);
    }
  };
  return { tally, settle };
}

/** Purity by adapter of LEGO's clusters of a pool. @param rank at most its units */
async function purityAt(pool: Pool, rank: number): Promise<Purity & { readonly rank: number }> {
  const { merged } = await legoOn(pool, rank, PAPER);
  const clusters = merged.clusters!.map(({ members }) => members.map(([adapter]) => adapter));
  return { ...clusterPurity(clusters, seededRandom(0), DRAWS), rank };
}

/** The rank for LEGO by the modules that were added so far. */
function rankOf(tally: SetTally, names: readonly string[]): () => number {
  const modules = names.map((name) => ({
    parts: tally.adapters.flatMap(({ modules: own }, input) => {
      const module = own.get(name);
      return module === undefined ? [] : [{ input, module }];
    }),
  }));
  return () => {
    const acts = tally.adapters.map((_, t) => normOf(tally.products, t) > 0);
    return Math.max(1, legoRank(modules, acts, mostAlike(tally.start.groups(), acts)).rank);
  };
}

/** Figures of a module whose units are too many to compare, from each adapter's singular values. */
function apartOverview(
  module: Pick<ModuleOverview, "name" | "block" | "in" | "out">,
  spectra: readonly (readonly number[] | null)[],
): ModuleOverview {
  return {
    ...module,
    norms: spectra.map((sigma) => (sigma === null ? null : Math.hypot(...sigma))),
    effectiveRanks: spectra.map((sigma) => (sigma === null ? null : effectiveRank(sigma))),
    cosines: spectra.map(() => spectra.map(() => null)),
    signConflicts: null,
    purity: null,
  };
}
