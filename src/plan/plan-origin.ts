import type { Adapter } from "../adapter/adapter.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { MergePlan } from "./merge-plan.ts";
import { makePlan } from "./plan.ts";
import type { Findings } from "./plan-ranks.ts";

/** What a plan is made from besides its adapters: enough to make it again on another machine. */
export interface PlanOrigin {
  readonly recipe: Recipe;
  readonly findings: Findings;
  /** lambda, where an earlier run of the merge computed it; null if the recipe decides. */
  readonly scale: number | null;
}

/** The plan of adapters from its origin. @throws as `makePlan` */
export function planFrom(adapters: readonly Adapter[], { recipe, findings, scale }: PlanOrigin): MergePlan {
  const plan = makePlan(adapters, recipe, findings);
  return scale === null ? plan : { ...plan, scale };
}
