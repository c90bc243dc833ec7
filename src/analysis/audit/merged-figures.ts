import type { Adapter } from "../../adapter/adapter.ts";
import { type AutoScale, agreement, autoScale } from "../../figures/auto-scale.ts";
import {
  addProducts,
  type DeltaFigures,
  type DeltaProducts,
  deltaFigures,
  deltaProducts,
  noProducts,
  sharesOf,
  sumProducts,
  weightProducts,
} from "../../figures/delta.ts";
import { EnergyByRank } from "../../figures/energy-by-rank.ts";
import { addResponses, NO_RESPONSE, responseProducts } from "../../figures/response.ts";
import { SharedStart } from "../../figures/shared-start.ts";
import { effectiveRank } from "../../figures/spectrum.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { combinationProducts, scaledUnit } from "../../linalg/combination.ts";
import { deltaWeights } from "../../methods/delta-weights.ts";
import type { Method } from "../../methods/method.ts";
import { energyRank } from "../../methods/resolve-rank.ts";
import { adaptersInOrder } from "../../methods/unit-order.ts";
import { LEAST_ROOM } from "../../report/rank-rule.ts";
import type { Pool } from "../../units/pool.ts";
import { adapterSpectrum, readPool, spectrumOf, unitsOf } from "../pools.ts";

/** sv_fro of 99 % of the energy. */
const NEARLY_ALL = { rule: "sv_fro", threshold: Math.sqrt(0.99) } as const;

/** How a merged adapter's deltas relate to those it was made of, over the modules that both have. */
export interface MergedFigures extends DeltaFigures {
  /** The largest rank of a module. */
  readonly rank: number;
  /** The most units that the adapters have in a module. */
  readonly units: number;
  /** Effective rank of the deltas, mean over the modules. */
  readonly effectiveRank: number;
  /** <D', D_t> / |D_t|^2: how much of each adapter is in the result; null if the adapter is zero. */
  readonly shares: readonly (number | null)[];
  /** The most of |S|^2 that deltas of the merged adapter's ranks can hold, with the weighted sum S; null if S is zero. */
  readonly room: number | null;
  /** The smallest rank for all modules that can hold 90 % of |S|^2. */
  readonly rankForMost: number;
  /** Share of the ranks beyond those that hold 99 % of the energy of their module. */
  readonly idleRanks: number;
  /** sum <D', D_t> over |D'| sqrt(sum |D_t|^2), each D_t times its weight; null if a norm is 0. */
  readonly agreement: number | null;
  /** The factor that the adapters ask for (docs/scale.md). */
  readonly autoScale: AutoScale;
}

/** The figures of a merge, and the products of its deltas. */
export interface MergedTotals {
  readonly figures: MergedFigures;
  readonly products: DeltaProducts;
  /** The same with each adapter's delta times its weight in each module. */
  readonly weighted: DeltaProducts;
  /** Whether the adapters began with the same A; the result is the last. */
  readonly start: SharedStart;
}

/** How an adapter was made: what is known about the merge. */
export interface KnownMerge {
  /** How its weights count. */
  readonly method: Pick<Method, "id" | "weights" | "needs" | "cut" | "namesStoredUnits" | "fullRank" | "plannedRank">;
  /** The weight of each adapter in a module. */
  weightsOf(module: string): readonly number[];
}

/**
 * Measure a merged adapter against the adapters that it was made of: one pass over the modules, all from Gram matrices in f64.
 *
 * @param names of modules that the merged adapter and at least one other have
 */
export async function mergedFigures(
  kernels: Kernels,
  merged: Adapter,
  adapters: readonly Adapter[],
  names: readonly string[],
  { method, weightsOf }: KnownMerge,
): Promise<MergedTotals> {
  const own = adapters.length;
  const energies = new EnergyByRank();
  const ranks = { most: 0, pooled: 0, all: 0, used: 0, effective: 0 };
  const sum = { cross: 0, square: 0 };
  let products = noProducts(own);
  let weighted = noProducts(own);
  let aimed = noProducts(own);
  let responses = NO_RESPONSE;
  let shared = false;
  const start = new SharedStart(own + 1);
  for (const name of names) {
    const weights = weightsOf(name);
    const pool = await readPool(kernels, [...adapters, merged], name, [...weights, 1]);
    if (pool === null) continue;
    start.add(pool);
    shared ||= new Set(pool.ids.map(([input]) => input).filter((input) => input < own)).size > 1;
    const units = unitsOf(pool, own);
    const result = combinationProducts(
      units.map((i) => scaledUnit(i, 1, 1)),
      pool,
    );
    const module = withoutLast(deltaProducts(pool, result, own + 1, 1));
    const aims = deltaWeights(method, weights);
    products = addProducts(products, module);
    weighted = addProducts(weighted, weightProducts(module, weights));
    aimed = addProducts(aimed, weightProducts(module, aims));
    const { cross, square } = sumProducts(module, weights);
    sum.cross += cross;
    sum.square += square;
    const askers = adaptersInOrder(pool)
      .filter(({ input }) => input < own)
      .map((adapter) => ({ ...adapter, weight: aims[adapter.input]! }));
    responses = addResponses(responses, responseProducts(pool, result, askers));
    energies.add(weightedSpectrum(pool, own), units.length);
    const sigma = adapterSpectrum(pool, own);
    ranks.most = Math.max(ranks.most, units.length);
    ranks.pooled = Math.max(ranks.pooled, pool.count - units.length);
    ranks.all += units.length;
    ranks.used += sigma.length === 0 ? units.length : energyRank(sigma, NEARLY_ALL);
    ranks.effective += effectiveRank(sigma) / names.length;
  }
  return {
    products,
    weighted,
    start,
    figures: {
      ...deltaFigures(products, sum),
      rank: ranks.most,
      units: ranks.pooled,
      effectiveRank: ranks.effective,
      shares: sharesOf(products),
      room: energies.kept,
      rankForMost: energies.rankFor(LEAST_ROOM),
      idleRanks: ranks.all === 0 ? 0 : 1 - ranks.used / ranks.all,
      agreement: agreement(aimed),
      autoScale: autoScale(aimed, responses, shared),
    },
  };
}

/** Singular values of the weighted sum of the adapters before the last. */
function weightedSpectrum(pool: Pool, last: number): readonly number[] {
  const units = Array.from(pool.ids.keys()).filter((i) => pool.ids[i]![0] !== last);
  return spectrumOf(pool, units, (i) => pool.weights[i]!);
}

/** Products without the last input, which stands for the merged adapter itself. */
function withoutLast({ inputs, cross, merged }: DeltaProducts): DeltaProducts {
  const [all, own] = [cross.length, cross.length - 1];
  return {
    inputs: inputs.filter((_, cell) => Math.floor(cell / all) < own && cell % all < own),
    cross: cross.slice(0, own),
    merged,
  };
}
