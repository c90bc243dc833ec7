import type { Adapter } from "../../adapter/adapter.ts";
import { LoraLegoError } from "../../core/errors.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { AUTO } from "../../methods/auto.ts";
import type { Method } from "../../methods/method.ts";
import type { RankedMethod } from "../../plan/auto-rank.ts";
import { makePlan } from "../../plan/plan.ts";
import type { Fix, Warning } from "../../plan/warning.ts";
import type { LooseRecipe, Recipe } from "../../recipe/recipe.ts";
import { fittingRank, LEAST_ROOM, type RankNeeds } from "../../report/rank-rule.ts";
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

/**
 * Warnings whose remedies change how much each adapter counts, with the rank that then fits: the modules are read again for each, since
 * the sum that a rank has to hold is another one.
 */
export async function fittedFixes(
  kernels: Kernels,
  adapters: readonly Adapter[],
  warnings: readonly Warning[],
  made: MadeAt,
): Promise<Warning[]> {
  const fitted = (own: Fix): Promise<Fix> => fittedFix(kernels, adapters, own, made);
  const all: Warning[] = [];
  for (const { fix, instead, without, ...warning } of warnings) {
    all.push({
      ...warning,
      ...(fix !== undefined && { fix: await fitted(fix) }),
      ...(instead !== undefined && { instead: await fitted(instead) }),
      ...(without !== undefined && { without: await fitted(without) }),
    });
  }
  return all;
}

/** A remedy that changes how much each adapter counts, with the rank that then fits. */
export async function fittedFix(kernels: Kernels, adapters: readonly Adapter[], own: Fix, made: MadeAt): Promise<Fix> {
  const fix = made.byAuto ? { ...own, method: AUTO } : own;
  const counts = adapters.map((_, t) =>
    fix.leaves?.includes(t) ? 0 : (fix.weights?.[t] ?? 1) * (fix.sizes?.[t] ?? 1),
  );
  const forEnergy = (await energiesOf(kernels, adapters, counts)).rankFor(LEAST_ROOM);
  const acts = counts.map((count) => count !== 0);
  const needs = made.needsOf(fix.method === undefined ? made.method : made.auto, acts);
  const { rank: fitting } = fittingRank({ ...needs, forEnergy });
  return fitting > rankWith(fix, adapters, made) ? { ...fix, rank: fitting } : fix;
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
