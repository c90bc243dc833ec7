import type { Adapter } from "../../adapter/adapter.ts";
import { percent } from "../../core/shown.ts";
import { type DeltaProducts, sharesOf } from "../../figures/delta.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { Fix } from "../../plan/warning.ts";
import { leastKept } from "../../report/badly-kept.ts";
import { LEAST_KEPT } from "../../report/rank-rule.ts";
import { fittedFix, type MadeAt, mendedRecipe } from "./fitted-fixes.ts";
import { triedMerge } from "./tried-merge.ts";

/** By how much the weight of a badly kept adapter is raised; beyond that the others are held badly. */
const TIMES = [1.5, 2, 3, 4] as const;

/** What another weight for a badly kept adapter does: the merge if one helps, else a sentence alone. */
export interface Balance {
  readonly why: string;
  readonly fix: Fix | null;
}

/**
 * The weight for the adapter that a result holds least of with which it holds most evenly of all. Each one is tried: the adapters are
 * merged, without writing. One helps if no adapter is badly kept then. Deterministic.
 *
 * @param least its place among the adapters
 * @param held products of the result's deltas
 * @returns null if such a merge cannot be tried
 */
export async function balancingWeights(
  kernels: Kernels,
  adapters: readonly Adapter[],
  least: number,
  held: DeltaProducts,
  made: MadeAt,
): Promise<Balance | null> {
  const { recipe } = made;
  if (recipe === null) return null;
  const names = adapters.map((adapter) => adapter.name);
  const before = evenness(held, made.weights);
  let best: { readonly fix: Fix; readonly weight: number; readonly even: number } | null = null;
  for (const times of TIMES) {
    const weight = Number((times * made.weights[least]!).toPrecision(3));
    const weights = made.weights.map((own, t) => (t === least ? weight : own));
    const fix = await fittedFix(kernels, adapters, { why: "", weights }, made);
    const tried = await triedMerge(kernels, adapters, mendedRecipe(fix, { ...made, recipe }));
    if (tried === null) return null;
    const even = evenness(tried.products, made.weights);
    const { times: kept } = leastKept(names, tried.weighted) ?? { times: 0 };
    if (kept >= LEAST_KEPT && even > (best?.even ?? before)) best = { fix, weight, even };
  }
  const name = names[least]!;
  if (best === null) {
    const why = `No weight of ${name} from ${TIMES[0]} to ${TIMES.at(-1)} times its own keeps it better by ${made.method.id}: they were tried. A larger rank, other weights of several adapters or another method may.`;
    return { why, fix: null };
  }
  const { fix, weight, even } = best;
  const why = `Tried: with weight ${weight} for ${name} the result holds at least ${percent(even)} as much of each adapter as of the one that it holds most of, instead of ${percent(before)}.`;
  return { why, fix: { ...fix, why } };
}

/** How much a result has of the adapter that it holds least of, beside the one that it holds most of; each counts with its weight. */
function evenness(products: DeltaProducts, weights: readonly number[]): number {
  const shares = sharesOf(products).flatMap((share, t) =>
    share === null || weights[t] === 0 ? [] : share / weights[t]!,
  );
  return Math.min(...shares) / Math.max(...shares);
}
