import { consumerById } from "../adapter/consumers.ts";
import { evenExperts } from "../adapter/experts.ts";
import { maximum } from "../core/maximum.ts";
import { actingInputs, type ModuleResult } from "../lanes/merger.ts";
import { chooseMethod } from "../methods/auto.ts";
import type { Target } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import { consumerRank } from "../plan/for-consumer.ts";
import { isCrowded, type MergePlan } from "../plan/merge-plan.ts";
import { defaultTarget, type Findings } from "../plan/plan-ranks.ts";
import type { Recipe } from "../recipe/recipe.ts";

/** What values showed that makes another run worthwhile; null if nothing. */
export function betterFindings(plan: MergePlan, recipe: Recipe, results: readonly ModuleResult[]): Findings | null {
  const acting = actingInputs(results);
  if (plan.chosen !== null && acting.size > 0 && chooseMethod(acting.size, isCrowded(plan)).method !== plan.method) {
    return { acting: acting.size };
  }
  const target = targetOfActing(plan, recipe, acting);
  if (target !== null) return { target };
  const ranks = otherRanks(plan, results);
  return ranks === null ? null : { target: plan.target, ranks };
}

/** Why the method was chosen, by the adapters that change something; null where it was named. */
export function chosenFor(plan: MergePlan, results: readonly ModuleResult[]): string | null {
  const acting = actingInputs(results).size;
  return plan.chosen === null || acting === 0 ? plan.chosen : chooseMethod(acting, isCrowded(plan)).reason;
}

/** The method's default target without the adapters that change nothing; null if it is the plan's. */
function targetOfActing(plan: MergePlan, { target }: Recipe, acting: ReadonlySet<number>): Target | null {
  if (target !== undefined || acting.size === 0) return null;
  const modules = plan.modules.map(({ parts }) => ({ parts: parts.filter(({ input }) => acting.has(input)) }));
  const consumer = plan.consumer === null ? null : consumerById(plan.consumer);
  const own = defaultTarget(methodById(plan.method), modules, plan.chosen, consumer);
  return JSON.stringify(own) === JSON.stringify(plan.target) ? null : own;
}

/** The ranks that modules came out with, if they make the output smaller, or do not fit into it. */
function otherRanks(plan: MergePlan, results: readonly ModuleResult[]): Required<Findings>["ranks"] | null {
  const ranks = new Map(results.map(({ index, rank }) => [plan.modules[index]!.name, Math.max(1, rank)]));
  const consumer = plan.consumer === null ? null : consumerById(plan.consumer);
  const needed = consumerRank(consumer, maximum(ranks.values()));
  const { modules: even } = evenExperts(plan.modules.map((module) => ({ ...module, rank: ranks.get(module.name)! })));
  const own = new Map(even.map(({ name, rank }) => [name, rank]));
  const differs =
    plan.rankLayout === "uniform"
      ? needed !== plan.rank
      : plan.modules.some(({ name, rank }) => own.get(name)! !== rank);
  return differs ? ranks : null;
}
