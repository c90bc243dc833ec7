import type { Adapter } from "../adapter/adapter.ts";
import { peftConfig } from "../formats/peft-folder/write-config.ts";
import { methodById } from "../methods/registry.ts";
import { checkRecipe } from "./check-recipe.ts";
import { planExtras } from "./extras.ts";
import { consumerOf, refuseUnloadable, zeroModules } from "./for-consumer.ts";
import { inputWarnings } from "./input-warnings.ts";
import type { MergePlan } from "./merge-plan.ts";
import { planPlaces } from "./plan-layout.ts";
import { planParts } from "./plan-parts.ts";
import { type Findings, planRanks, planTarget } from "./plan-ranks.ts";
import { planWarnings } from "./plan-warnings.ts";
import { chosenDtype, type Recipe } from "./recipe.ts";
import { refuseUnmet } from "./refuse-unmet.ts";
import { sharedFacts } from "./shared-facts.ts";
import { alphaOf, sharedScale } from "./shared-scale.ts";

/**
 * Decide everything about a merge that headers decide: modules, ranks, element type, offsets, config.
 *
 * @throws UsageError for a recipe that does not fit the adapters, RefusedError for adapters that do not fit each other
 */
export function makePlan(given: readonly Adapter[], recipe: Recipe, found: Findings = {}): MergePlan {
  const method = methodById(recipe.method ?? "lego");
  checkRecipe(recipe, method);
  const consumer = consumerOf(recipe);
  const rankLayout = recipe.rankLayout ?? "uniform";

  const parts = planParts(given, recipe, method);
  const { adapters, weights, selection, used, sources } = parts;
  refuseUnmet(method, parts);
  const target = planTarget(method, recipe, parts, found);
  const ranks = planRanks(parts.modules, method, target, rankLayout, consumer, found);
  const beside = planExtras(
    adapters,
    weights.map((weight, t) => (selection.used[t] ? weight : 0)),
    recipe.extras ?? "error",
  );
  if (consumer !== null) refuseUnloadable(consumer, sources, beside.extras);
  const zeros = consumer === null ? [] : zeroModules(consumer, ranks.modules);

  const dtype = chosenDtype(
    recipe.dtype,
    sources.flatMap(({ a, b }) => [a.dtype, b.dtype]),
  );
  const places = planPlaces({ modules: ranks.modules, zeros, extras: beside.extras, dtype });
  const scale = sharedScale(sources, ranks.modules);
  const { facts, warnings: differences } = sharedFacts(used);
  const config = peftConfig({
    ...facts,
    modules: [...ranks.modules, ...zeros].map(({ name, rank }) => ({ name, rank, alpha: alphaOf(scale, rank) })),
    common: { rank: ranks.common, alpha: alphaOf(scale, ranks.common) },
    extras: beside.extras.map(({ key }) => key),
    sources: used,
    left: selection.left.map(({ name }) => name),
  });

  return {
    method: method.id,
    options: { ...(method.defaults as object), ...recipe.options },
    target,
    after: recipe.after ?? null,
    scale: recipe.scale ?? 1,
    inputs: adapters.map(({ name }, t) => ({ name, weight: weights[t]! })),
    dtype,
    sharedScale: scale,
    consumer: consumer?.id ?? null,
    rankLayout,
    rank: ranks.rank,
    zeros,
    ...places,
    skipped: beside.skipped,
    leftOut: selection.left,
    config,
    warnings: [
      ...planWarnings(recipe, parts, ranks, consumer, zeros),
      ...differences,
      ...parts.warnings,
      ...inputWarnings(used),
      ...beside.warnings,
    ],
  };
}
