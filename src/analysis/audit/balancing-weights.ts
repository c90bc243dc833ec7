import type { Adapter } from "../../adapter/adapter.ts";
import { listed } from "../../core/listed.ts";
import { percent } from "../../core/shown.ts";
import { type DeltaProducts, sharesOf } from "../../figures/delta.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { Fix } from "../../plan/warning.ts";
import type { LooseRecipe } from "../../recipe/recipe.ts";
import { heldBeside } from "../../report/badly-kept.ts";
import { LEAST_KEPT } from "../../report/rank-rule.ts";
import { energiesOf } from "./energies-of.ts";
import { askedAgain, atFittingRank, type MadeAt, mendedRecipe } from "./fitted-fixes.ts";
import { type TriedMerge, triedMerges } from "./tried-merges.ts";

/** By how much the weights of badly kept adapters are raised; beyond that the others are held badly. */
const TIMES = [1.5, 2, 3, 4] as const;

/** What other weights for badly kept adapters do: the merge if some help, else a sentence alone. */
export interface Balance {
  readonly why: string;
  readonly fix: Fix | null;
}

/** Weights to try, and the adapters that they raise. */
interface Raised {
  readonly who: readonly number[];
  readonly fix: Fix;
}

/**
 * The weights with which a result holds most evenly of all adapters: larger ones for the adapter that it holds least of, and for all that
 * are badly kept, where there are several. Each is tried: the adapters are merged, without writing. Some help if no adapter is badly kept
 * then. Deterministic.
 *
 * @param held products of the result's deltas
 * @param weighted the same with each adapter's delta times its weight in each module
 * @returns null if such merges cannot be tried
 */
export async function balancingWeights(
  kernels: Kernels,
  adapters: readonly Adapter[],
  { held, weighted }: { readonly held: DeltaProducts; readonly weighted: DeltaProducts },
  made: MadeAt,
): Promise<Balance | null> {
  const { recipe } = made;
  if (recipe === null) return null;
  const groups = badlyKeptGroups(adapters, weighted);
  const asked = groups.flatMap((who) => TIMES.map((times) => raised(who, times, made)));
  const tried = await tryAll(kernels, adapters, asked, { ...made, recipe });
  if (tried === null) return null;
  const before = evenness(held, made.weights);
  const better = tried
    .filter(({ merge }) => holdsAll(merge))
    .map((trial) => ({ ...trial, even: evenness(trial.merge.products, made.weights) }))
    .filter(({ even }) => even > before);
  const namesOf = (who: readonly number[]): string => listed(who.map((t) => adapters[t]!.name));
  if (better.length === 0) {
    const [worst, all] = groups.map(namesOf);
    const why = `No weight of ${worst}${all === undefined ? "" : `, or of ${all} together,`} from ${TIMES[0]} to ${TIMES.at(-1)} times its own keeps all better by ${made.method.id}: they were tried. A larger rank, other weights or another method may.`;
    return { why, fix: null };
  }
  const best = better.reduce((one, other) => (other.even > one.even ? other : one));
  const { who, fix, even } = best;
  const weights = who.map((t) => `${fix.weights![t]} for ${adapters[t]!.name}`);
  const why = `Tried: with weight ${listed(weights)} the result holds at least ${percent(even)} as much of each adapter as of the one that it holds most of, instead of ${percent(before)}. ${fix.why}`;
  return { why: why.trim(), fix: { ...fix, why: why.trim() } };
}

/** The adapters whose weights are raised together: the one that is kept worst, and all that are badly kept, if there are more. */
function badlyKeptGroups(adapters: readonly Adapter[], weighted: DeltaProducts): number[][] {
  const times = heldBeside(weighted);
  const badly = times
    .flatMap((own, t) => (own !== null && own < LEAST_KEPT ? t : []))
    .sort((t, u) => times[t]! - times[u]! || (adapters[t]!.name < adapters[u]!.name ? -1 : 1));
  return badly.length > 1 ? [badly.slice(0, 1), badly] : [badly];
}

function holdsAll({ weighted }: TriedMerge): boolean {
  const known = heldBeside(weighted).filter((times) => times !== null);
  return known.length > 0 && known.every((times) => times >= LEAST_KEPT);
}

function raised(who: readonly number[], times: number, made: MadeAt): Raised {
  const weights = made.weights.map((own, t) => (who.includes(t) ? Number((times * own).toPrecision(3)) : own));
  return { who, fix: askedAgain({ why: "", weights }, made) };
}

/** Try merges, each at the rank that its weights ask for. The modules are read once for the ranks of all, and once for the merges. */
async function tryAll(
  kernels: Kernels,
  adapters: readonly Adapter[],
  asked: readonly Raised[],
  made: MadeAt & { readonly recipe: LooseRecipe },
): Promise<readonly (Raised & { readonly merge: TriedMerge })[] | null> {
  const energies = await energiesOf(
    kernels,
    adapters,
    asked.map(({ fix }) => fix.weights!),
  );
  const fitted = asked.map(({ who, fix }, n) => ({ who, fix: atFittingRank(fix, adapters, made, energies[n]!) }));
  const recipes = fitted.map(({ fix }) => mendedRecipe(fix, made));
  const merges = await triedMerges(kernels, adapters, recipes);
  return merges && fitted.map((own, n) => ({ ...own, merge: merges[n]! }));
}

/** How much a result has of the adapter that it holds least of, beside the one that it holds most of; each counts with its weight. */
function evenness(products: DeltaProducts, weights: readonly number[]): number {
  const shares = sharesOf(products).flatMap((share, t) =>
    share === null || weights[t] === 0 ? [] : share / weights[t]!,
  );
  return Math.min(...shares) / Math.max(...shares);
}
