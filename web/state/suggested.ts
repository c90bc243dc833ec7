import { MEASURED_METHODS } from "../../src/analysis/measured-methods.ts";
import { PAPER } from "../../src/methods/lego/options.ts";
import { DEFAULT_METHOD } from "../../src/methods/method.ts";
import type { MethodId } from "../../src/methods/method-options.ts";
import type { Fix } from "../../src/plan/warning.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { openAdapters, weigh } from "./adapters.ts";
import { recipe } from "./merge.ts";
import { options } from "./module.ts";
import { showTab } from "./tabs.ts";

/** Fill the form of a merge with LEGO at a rank, as the module is shown, and show it. */
export function mergeAtK(rank: number): void {
  const { gauge, sign, metric } = options.value;
  const changed = Object.entries({ gauge, sign, metric }).filter(([name, value]) => value !== PAPER[name as "gauge"]);
  recipe.value = {
    method: "lego",
    ...(changed.length > 0 && { options: Object.fromEntries(changed) }),
    target: { kind: "rank", rank },
  };
  showTab("merge");
}

/** Change the form, and the adapters' weights, as a fix says. */
export function applyFix({ method, weights, leaves, rank, scale, dtype, options: wanted }: Fix): void {
  const before = method === undefined ? recipe.value : withoutMethod(recipe.value);
  recipe.value = {
    ...before,
    ...(method !== undefined && { method: method as MethodId }),
    ...(rank !== undefined && { target: { kind: "rank", rank } as const }),
    ...(scale !== undefined && { scale }),
    ...(dtype !== undefined && { dtype }),
    ...(wanted !== undefined && { options: { ...before.options, ...wanted } }),
  } as Recipe;
  for (const [t, { key }] of openAdapters.value.entries()) {
    if (leaves?.includes(t)) weigh(key, 0);
    else if (weights !== undefined) weigh(key, weights[t]!);
  }
}

function withoutMethod({ options: _, scale: __, ...rest }: Recipe): Recipe {
  return rest;
}

/** How many methods "the best" are. */
const BEST = 5;

/** The methods that scored best in what was measured, as recipes with everything else that the form says. */
export function bestRecipes(): Recipe[] {
  const [{ length: count }, rest] = [openAdapters.value, withoutMethod(recipe.value)];
  return Object.entries(MEASURED_METHODS)
    .slice(0, BEST)
    .map(([method, { auto }]) => ({ ...rest, method, ...(auto && count > 1 && { scale: "auto" }) }) as Recipe);
}

/** Fill it with what `--method auto` takes, with weights and a rank that an audit recommends. */
export function mergeByAuto(weights: readonly number[] | null, rank: number): void {
  recipe.value = { method: DEFAULT_METHOD };
  applyFix({ why: "", rank, ...(weights !== null && { weights }) });
  showTab("merge");
}
