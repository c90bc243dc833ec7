import { AUTO, chooseMethod } from "../../src/methods/auto.ts";
import type { MethodId } from "../../src/methods/method-options.ts";
import type { Fix } from "../../src/plan/warning.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { recipeFlags } from "../../src/recipe/recipe-flags.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { reportedChoice } from "../../src/report/reported-choice.ts";
import { changedBy } from "./advised.ts";
import { atRecommendedRank, type MadeMerge, merges } from "./merge.ts";

/** The result that a fix of another one would make, where it is there already; null if it has to be made. */
export function standing(fix: Fix, made: MadeMerge): MadeMerge | null {
  const { report } = made;
  const { asked, weights } = changedBy(fix, made);
  const inputs = report.inputs.map((input, t) => ({ ...input, weight: weights[t]! }));
  const wanted = mergeOf(atRecommendedRank(asked), { ...report, inputs });
  return merges.value.find((other) => other !== made && mergeOf(atItsRank(other), other.report) === wanted) ?? null;
}

/** The recipe of a result at the rank that it took by itself, where all of its modules have that. */
function atItsRank({ recipe, report: { modules, totals } }: MadeMerge): Recipe {
  const { rank } = totals;
  const same = modules.every((module) => module.rank === rank);
  return recipe.target === undefined && same ? { ...recipe, target: { kind: "rank", rank } } : recipe;
}

/** A merge as a text, which differs where the results may: adapters, their weights, and what was asked for, of auto what it takes. */
function mergeOf(recipe: Recipe, report: Pick<MergeReport, "inputs" | "modules" | "totals">): string {
  const acting = report.inputs.filter(({ weight }) => weight !== 0).length;
  const auto = chooseMethod(acting, reportedChoice(report).crowded);
  const { method, scale } = recipe.method === AUTO ? auto : { method: recipe.method, scale: 1 };
  const flags = recipeFlags({ ...recipe, method: method as MethodId, scale: recipe.scale ?? scale } as Recipe);
  const inputs = report.inputs.map((input) => JSON.stringify(input));
  return JSON.stringify([inputs.sort(), flags.map(({ words }) => words).sort()]);
}
