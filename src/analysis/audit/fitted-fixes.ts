import type { Adapter } from "../../adapter/adapter.ts";
import { LoraLegoError } from "../../core/errors.ts";
import type { EnergyByRank } from "../../figures/energy-by-rank.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { AUTO } from "../../methods/auto.ts";
import type { Method } from "../../methods/method.ts";
import type { RankedMethod } from "../../plan/auto-rank.ts";
import { makePlan } from "../../plan/plan.ts";
import type { Fix, Warning } from "../../plan/warning.ts";
import type { LooseRecipe, Recipe } from "../../recipe/recipe.ts";
import { type FittingRank, fittingRank, LEAST_ROOM, type RankNeeds } from "../../report/rank-rule.ts";
import { energiesOf } from "./energies-of.ts";

/** A merge that was made, as what mends it sees it. */
export interface MadeAt {
  /** The rank that it was made at. */
  readonly rank: number;
  /** What has to be said to make it again; null if it is not known. */
  readonly recipe: LooseRecipe | null;
  /** Whether it is what `--method auto` makes, which is then asked for again. */
  readonly byAuto: boolean;
  /** Whether its rank is the one that `--method auto` takes by itself. */
  readonly rankByAuto: boolean;
  /** One for each adapter, in the adapters' order. */
  readonly weights: readonly number[];
  readonly method: RankedMethod & Pick<Method, "id">;
  /** What `--method auto` takes for the adapters. */
  readonly auto: RankedMethod;
  /** What a rank has to hold. @param counts whether each adapter takes part */
  needsOf(method: RankedMethod, counts: readonly boolean[]): RankNeeds;
}

/** Why a remedy that changes how much each adapter counts names a rank, behind what it is for. */
const RANKED: Readonly<Record<FittingRank["because"], (rank: number) => string>> = {
  energy: (rank) => `Their sum is another one then, and rank ${rank} can hold enough of its energy.`,
  "room-for-each": (rank) => `Rank ${rank} leaves room for each adapter.`,
  usual: (rank) => `Rank ${rank} is what a merge of them takes by itself.`,
};

/**
 * Warnings whose remedies change how much each adapter counts, with the rank that then fits: the sum that a rank has to hold is another
 * one. The modules are read once for all of them.
 */
export async function fittedFixes(
  kernels: Kernels,
  adapters: readonly Adapter[],
  warnings: readonly Warning[],
  made: MadeAt,
): Promise<Warning[]> {
  // Those of several adapters are one.
  const own = [...new Set(warnings.flatMap(({ fix, instead, without }) => [fix, instead, without]))];
  const fixes = own.filter((fix) => fix !== undefined);
  if (fixes.length === 0) return [...warnings];
  const counts = fixes.map((fix) => countsOf(fix, adapters.length));
  const energies = await energiesOf(kernels, adapters, counts);
  const fitted = new Map(
    fixes.map((fix, n) => [fix, atFittingRank(askedAgain(fix, made), adapters, made, energies[n]!)]),
  );
  return warnings.map(({ fix, instead, without, ...warning }) => ({
    ...warning,
    ...(fix !== undefined && { fix: fitted.get(fix)! }),
    ...(instead !== undefined && { instead: fitted.get(instead)! }),
    ...(without !== undefined && { without: fitted.get(without)! }),
  }));
}

/** A remedy of a merge by auto, which is by auto again. */
export function askedAgain(fix: Fix, { byAuto }: Pick<MadeAt, "byAuto">): Fix {
  return byAuto ? { ...fix, method: AUTO } : fix;
}

/** A remedy that changes how much each adapter counts, with the rank that then fits. @param energies of the sum that it merges */
export function atFittingRank(fix: Fix, adapters: readonly Adapter[], made: MadeAt, energies: EnergyByRank): Fix {
  const acts = countsOf(fix, adapters.length).map((count) => count !== 0);
  const needs = made.needsOf(fix.method === undefined ? made.method : made.auto, acts);
  const { rank, because } = fittingRank({ ...needs, forEnergy: energies.rankFor(LEAST_ROOM) });
  if (rank <= rankWith(fix, adapters, made)) return fix;
  return { ...fix, rank, why: `${fix.why} ${RANKED[because](rank)}`.trim() };
}

/** How much each adapter counts once a merge is mended. */
function countsOf({ leaves, weights, sizes }: Fix, count: number): number[] {
  return Array.from({ length: count }, (_, t) => (leaves?.includes(t) ? 0 : (weights?.[t] ?? 1) * (sizes?.[t] ?? 1)));
}

/** The rank that a merge has once it is mended, if nothing is said of the rank. */
function rankWith(fix: Fix, adapters: readonly Adapter[], made: MadeAt): number {
  if (made.recipe === null) return made.rank;
  const stays = adapters.filter((_, t) => !fix.leaves?.includes(t));
  try {
    return makePlan(stays, mendedRecipe(fix, { ...made, recipe: made.recipe })).rank;
  } catch (error) {
    if (error instanceof LoraLegoError) return made.rank;
    throw error;
  }
}

/** The recipe of a merge once it is mended. */
export function mendedRecipe(
  fix: Fix,
  { recipe, rankByAuto, weights }: Pick<MadeAt, "rankByAuto" | "weights"> & { readonly recipe: LooseRecipe },
): Recipe {
  const { method, options, target, ...others } = recipe;
  const ranked = target !== undefined && !(fix.method === AUTO && rankByAuto);
  const given: Pick<LooseRecipe, "target"> =
    fix.rank === undefined ? (ranked ? { target } : {}) : { target: { kind: "rank", rank: fix.rank } };
  const own = { ...(method !== undefined && { method }), ...(options !== undefined && { options }) };
  return {
    ...others,
    ...given,
    ...(fix.method === undefined ? own : { method: fix.method }),
    weights: (fix.weights ?? weights).filter((_, t) => !fix.leaves?.includes(t)),
  } as Recipe;
}
