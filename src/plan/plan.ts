import type { Adapter } from "../adapter/adapter.ts";
import { triggerWords } from "../adapter/training-metadata.ts";
import { defaultsOf } from "../methods/method.ts";
import { checkRecipe } from "../recipe/check-recipe.ts";
import { chosenDtype } from "../recipe/chosen-dtype.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { given, withDefaults } from "../recipe/recipe-fields.ts";
import { refuseUnactivated, sharedActivation } from "./activation.ts";
import { planBiases, refuseLostBiases } from "./biases.ts";
import { chosenParts } from "./chosen-parts.ts";
import { planExtras } from "./extras.ts";
import { consumerOf, layoutOf, refuseUnloadable, storedFor, zeroModules } from "./for-consumer.ts";
import { inputWarnings } from "./input-warnings.ts";
import type { MergePlan } from "./merge-plan.ts";
import { planConfig } from "./plan-config.ts";
import { planPlaces } from "./plan-layout.ts";
import { planMemory } from "./plan-memory.ts";
import { planParts } from "./plan-parts.ts";
import { type Findings, planRanks, planTarget } from "./plan-ranks.ts";
import { planWarnings } from "./plan-warnings.ts";
import { refuseAllPairs } from "./refuse-all-pairs.ts";
import { refuseUnmet } from "./refuse-unmet.ts";
import { weighted } from "./selection.ts";
import { planTokenRows } from "./token-rows.ts";

/**
 * Decide everything about a merge that headers decide: modules, ranks, element type, offsets, config.
 *
 * @throws UsageError for a recipe that does not fit the adapters, RefusedError for adapters that do not fit each other
 * @example
 * ```ts
 * import { makePlan } from "lora-lego";
 * import { openAdapters } from "lora-lego/node";
 *
 * const opened = await openAdapters(["adapters/reverse", "adapters/sort"]);
 * const plan = makePlan(opened.map(({ adapter }) => adapter), { method: "cat" });
 * for (const { close } of opened) close();
 * console.log(plan.modules.length, plan.rank, plan.dtype); // 21 14 F32
 * ```
 */
export function makePlan(inputs: readonly Adapter[], wanted: Recipe, found: Findings = {}): MergePlan {
  const recipe = withDefaults(wanted);
  const names = inputs.map(({ name }) => name);
  const { method: named, weights, chosen: byWeights } = checkRecipe(recipe, names);
  const consumer = consumerOf(recipe);
  const after = recipe.after ?? null;

  const { chosen, method, parts } =
    byWeights === null
      ? { chosen: null, method: named, parts: planParts(inputs, weights, recipe, named) }
      : chosenParts(inputs, weights, recipe, found.acting ?? weighted(inputs, recipe, weights).filter(Boolean).length);
  refuseLostBiases(inputs, parts.adapters);
  refuseUnmet(method, parts);
  const target = planTarget(method, recipe.target ?? found.target, parts, chosen, consumer);
  const rankLayout = layoutOf(recipe, target, consumer);
  const ranks = planRanks(parts.modules, method, target, rankLayout, consumer, found);
  const options = { ...(defaultsOf(method) as object), ...given(recipe.options ?? {}) };
  const scale = wanted.scale ?? chosen?.scale ?? recipe.scale;
  refuseAllPairs(ranks.modules, { method, options, after, budget: target.kind === "budget", scale });
  const dtype = chosenDtype(
    recipe.dtype,
    parts.sources.flatMap(({ a, b }) => [a.dtype, b.dtype]),
  );
  const beside = planExtras(parts, recipe.extras);
  const biases = planBiases(parts, recipe, { method, dtype, scale: ranks.sharedScale ?? 1 });
  const rows = planTokenRows(
    parts,
    beside.extras.map(({ key }) => key),
    recipe.extras,
  );
  const extras = [beside, biases, rows].flatMap((plan) => plan.extras);
  const invocationTokens = sharedActivation(parts.used);
  if (consumer !== null) {
    refuseUnloadable(consumer, parts.sources, extras);
    refuseUnactivated(consumer, invocationTokens);
  }
  const stored = consumer === null ? ranks.modules : storedFor(consumer, ranks.modules);
  const zeros = consumer === null ? [] : zeroModules(consumer, stored);
  const modules = planMemory(stored, { method, after }, dtype);
  const places = planPlaces({ modules, zeros, extras, dtype });
  const { config, warnings: differences } = planConfig(parts, { ...ranks, modules: stored }, zeros, extras, {
    tokenIndices: rows.tokenIndices,
    invocationTokens,
  });

  return {
    method: method.id,
    chosen: chosen?.reason ?? null,
    options,
    target,
    after,
    scale,
    inputs: parts.adapters.map(({ name }, t) => ({ name, weight: parts.weights[t]! })),
    triggerWords: [...new Set(parts.used.flatMap(triggerWords))],
    dtype,
    sharedScale: ranks.sharedScale,
    consumer: consumer?.id ?? null,
    rankLayout,
    rank: ranks.rank,
    zeros,
    ...places,
    skipped: [beside, biases, rows].flatMap((plan) => plan.skipped),
    leftOut: parts.selection.left,
    config,
    warnings: [
      ...planWarnings(recipe, method, parts, ranks, consumer, zeros),
      ...differences,
      ...parts.warnings,
      ...inputWarnings(parts.used),
      ...[beside, biases, rows].flatMap((plan) => plan.warnings),
    ],
  };
}
