import type { Adapter } from "../adapter/adapter.ts";
import { refuseMisfits } from "../adapter/compatibility.ts";
import { bytesOf } from "../core/dtype.ts";
import { LoraLegoError, UsageError } from "../core/errors.ts";
import { seededRandom } from "../core/random.ts";
import {
  addProducts,
  cosineBetween,
  type DeltaProducts,
  deltaFigures,
  deltaProducts,
  noProducts,
  sumProducts,
} from "../figures/delta.ts";
import { effectiveRank, MeanSpectrum } from "../figures/spectrum.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { factorSvd } from "../linalg/factor-svd.ts";
import { AUTO } from "../methods/auto.ts";
import { DEFAULT_METHOD, EXACT_SUM } from "../methods/method.ts";
import type { MethodChoice } from "../methods/method-options.ts";
import { moduleMemory } from "../methods/module-memory.ts";
import { type ModuleRun, runModule } from "../methods/run-module.ts";
import { methodRun } from "../plan/module-run.ts";
import { underOneName } from "../plan/one-name.ts";
import { makePlan } from "../plan/plan.ts";
import type { Recipe, RecipeFields } from "../recipe/recipe.ts";
import type { Pool } from "../units/pool.ts";
import type { MeasuredMethod } from "./measured-methods.ts";
import { measuredOf } from "./measured-of.ts";
import { adapterSpectrum, moduleNames, readPool } from "./pools.ts";
import { type SignCount, SignSample } from "./sign-sample.ts";

/** The figures of one method at one rank on given adapters, over all modules. */
export interface ComparedMerge {
  readonly method: string;
  /** Whether it is what `--method auto` takes by itself, which gives the result a factor too: that changes its norm alone. */
  readonly auto: boolean;
  /** The largest rank of its result. */
  readonly rank: number;
  /** The same as in the report of a merge. */
  readonly normRatio: number | null;
  readonly cosines: readonly (number | null)[];
  readonly energy: number | null;
  /**
   * Share of the entries, sampled in each module, in which the merged delta has another sign than an adapter's (mean over the
   * adapters). Entries that are zero in either do not count; null if none count.
   */
  readonly signConflicts: number | null;
  /** Effective rank of the merged deltas, mean over the modules. */
  readonly effectiveRank: number;
  /** Singular values relative to the largest, the first 64, mean over the modules. */
  readonly spectrum: readonly number[];
  /** Seconds of merging, without reading and writing. */
  readonly seconds: number;
  /** Size of the result's tensors in the element type that a merge would choose. */
  readonly bytes: number;
  /** For methods that cluster: numbers of clusters by how many adapters they draw from (0 for single units), [adapters, clusters]. */
  readonly composition: readonly (readonly [adapters: number, clusters: number])[];
  /** What its method scored; null where merges of this kind and rank were not measured. */
  readonly measured: MeasuredMethod | null;
}

/** The result of a comparison: figures of the methods, and cosines between the adapters themselves. */
export interface Comparison {
  readonly adapters: readonly string[];
  /** Cosine of each pair of adapters' deltas, (T, T); null if one is zero. */
  readonly similarity: readonly (readonly (number | null)[])[];
  /** Singular values of each adapter's deltas, in the form of `ComparedMerge.spectrum`. */
  readonly spectra: readonly (readonly number[])[];
  readonly merges: readonly ComparedMerge[];
  /** Methods whose results are alike at several of the ranks asked for, and stand once. */
  readonly alike: readonly string[];
  /** Methods that do not take these adapters, and why, in one sentence each. */
  readonly refused: readonly { readonly method: string; readonly reason: string }[];
}

/** A recipe to compare: a method and a rank. */
export type ComparedRecipe = MethodChoice & Pick<RecipeFields, "target">;

interface Contestant {
  readonly run: ModuleRun;
  auto: boolean;
  readonly bytesPerElement: number;
  products: DeltaProducts;
  readonly ranks: number[];
  readonly sizes: number[];
  readonly effectiveRanks: number[];
  readonly spectrum: MeanSpectrum;
  readonly conflicts: SignCount;
  readonly composition: Map<number, number>;
  seconds: number;
}

/**
 * Merge adapters by several methods in one pass over the inputs, without writing: each module's units and Gram matrices are read once
 * and shared. All sums are in f64, so figures can differ from a merge's in the seventh digit.
 *
 * @param weights one per adapter
 * @param allowPartial accept adapters that share no module or end at different layers
 * @throws RefusedError when the adapters do not fit each other
 */
export async function compareMethods(
  kernels: Kernels,
  given: readonly Adapter[],
  recipes: readonly ComparedRecipe[],
  weights: readonly number[],
  allowPartial = false,
): Promise<Comparison> {
  const common = { weights, extras: "drop", allowPartial } as const;
  const used = weights.map((weight) => weight !== 0);
  const { adapters } = underOneName(given, used);
  refuseMisfits(
    adapters.filter((_, t) => used[t] !== false),
    allowPartial,
  );
  makePlan(given, { ...common, method: EXACT_SUM });
  const refused: { method: string; reason: string }[] = [];
  const contestants: Contestant[] = [];
  const entered = new Map<string, Contestant>();
  const alike = new Set<string>();
  for (const recipe of recipes) {
    const method = recipe.method ?? DEFAULT_METHOD;
    try {
      const { contestant, key } = enter(adapters, { ...common, ...recipe });
      const same = entered.get(key);
      if (same === undefined) {
        contestants.push(contestant);
        entered.set(key, contestant);
      } else if (method === AUTO || same.auto) same.auto = true;
      else alike.add(method);
    } catch (error) {
      if (!(error instanceof LoraLegoError)) throw error;
      const known = refused.some((own) => own.method === method && own.reason === error.message);
      if (!known) refused.push({ method, reason: error.message });
    }
  }
  const random = seededRandom(0);
  const spectra = adapters.map(() => new MeanSpectrum());
  for (const name of moduleNames(adapters)) {
    const runs = contestants.map((contestant) => contestant.run);
    const pool = await readPool(kernels, adapters, name, weights, (modules) => moduleMemory(modules, runs, 0));
    if (pool === null) continue;
    const signs = await SignSample.draw(pool, random.below, adapters.length);
    for (const [t, spectrum] of spectra.entries()) spectrum.add(adapterSpectrum(pool, t));
    for (const contestant of contestants) {
      await pool.freely(() => compete(contestant, pool, adapters.length, weights, signs));
    }
  }
  const kept = adapters.filter((_, t) => used[t]);
  const kind = {
    weights: weights.filter((weight) => weight !== 0),
    modules: moduleNames(kept),
    ranks: new Set(kept.flatMap(({ modules }) => [...modules.values()].map(({ rank }) => rank))),
  };
  const among = contestants[0]?.products ?? noProducts(adapters.length);
  return {
    adapters: adapters.map(({ name }) => name),
    similarity: adapters.map((_, t) => adapters.map((_, u) => cosineBetween(among, t, u))),
    spectra: spectra.map(({ values }) => values),
    merges: contestants.map((contestant) => {
      const merge = outcome(contestant, weights);
      const options = contestant.run.options as Readonly<Record<string, unknown>>;
      return { ...merge, measured: measuredOf({ ...kind, ...merge, options }) };
    }),
    alike: [...alike],
    refused,
  };
}

/** Plan a method, so that it refuses adapters with the same message as a merge. @returns also what two merges of one result share */
function enter(adapters: readonly Adapter[], recipe: Recipe): { contestant: Contestant; key: string } {
  const plan = makePlan(adapters, recipe);
  const { target } = plan;
  if (target.kind === "budget") {
    throw new UsageError(
      "A comparison looks at each module once and shares out no budget; pass a rank, or merge instead.",
    );
  }
  // A rank by energy is known only once modules are read.
  const ranks = target.kind === "rank" ? plan.modules.map(({ rank }) => rank) : target;
  const key = JSON.stringify([plan.method, plan.options, plan.after, ranks]);
  const contestant = {
    run: { ...methodRun(plan), target },
    auto: plan.chosen !== null && recipe.target === undefined,
    bytesPerElement: bytesOf(plan.dtype),
    products: noProducts(adapters.length),
    ranks: [],
    sizes: [],
    effectiveRanks: [],
    spectrum: new MeanSpectrum(),
    conflicts: { disagree: 0, count: 0 },
    composition: new Map(),
    seconds: 0,
  };
  return { contestant, key };
}

async function compete(
  contestant: Contestant,
  pool: Pool,
  inputs: number,
  weights: readonly number[],
  signs: SignSample,
): Promise<void> {
  const start = performance.now();
  const { merged, cut } = await runModule(pool, contestant.run, weights);
  const { products } = cut;
  contestant.seconds += (performance.now() - start) / 1000;
  contestant.products = addProducts(contestant.products, deltaProducts(pool, products, inputs, 1));
  contestant.ranks.push(products.count);
  contestant.sizes.push(pool.in + pool.out);
  const { sigma } = factorSvd(products.amongA, products.amongB, products.count);
  contestant.effectiveRanks.push(effectiveRank(sigma));
  contestant.spectrum.add(sigma);
  signs.countConflicts(cut, contestant.conflicts);
  for (const { members } of merged.clusters ?? []) {
    const from = members.length === 1 ? 0 : new Set(members.map(([input]) => input)).size;
    contestant.composition.set(from, (contestant.composition.get(from) ?? 0) + 1);
  }
}

function outcome(contestant: Contestant, weights: readonly number[]): Omit<ComparedMerge, "measured"> {
  const { run, ranks, sizes, bytesPerElement, effectiveRanks, conflicts, composition, seconds } = contestant;
  const rank = ranks.reduce((most, value) => Math.max(most, value), 0);
  return {
    method: run.method.id,
    auto: contestant.auto,
    rank,
    ...deltaFigures(contestant.products, sumProducts(contestant.products, weights)),
    signConflicts: conflicts.count === 0 ? null : conflicts.disagree / conflicts.count,
    effectiveRank: effectiveRanks.reduce((sum, value) => sum + value, 0) / Math.max(1, effectiveRanks.length),
    spectrum: contestant.spectrum.values,
    seconds,
    bytes: sizes.reduce((sum, size) => sum + rank * size * bytesPerElement, 0),
    composition: [...composition].sort(([one], [other]) => one - other),
  };
}
