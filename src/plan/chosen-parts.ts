import type { Adapter } from "../adapter/adapter.ts";
import { type AutoChoice, chooseMethod } from "../methods/auto.ts";
import type { Method } from "../methods/method.ts";
import { methodById } from "../methods/registry.ts";
import type { FilledRecipe } from "../recipe/recipe-fields.ts";
import { isStreamed } from "../units/memory.ts";
import { type MergeParts, planParts } from "./plan-parts.ts";

/** What is merged with what, by which method, and why by that one; null if the recipe names it. */
export interface ChosenParts {
  readonly chosen: AutoChoice | null;
  readonly method: Method;
  readonly parts: MergeParts;
}

/**
 * The parts of a merge whose method the recipe leaves open: it depends on the units of the largest module, which the parts show.
 *
 * @param weights one for each input
 * @param acting how many inputs change something, as far as is known
 * @throws as `planParts`
 */
export function chosenParts(
  inputs: readonly Adapter[],
  weights: readonly number[],
  recipe: FilledRecipe,
  acting: number,
): ChosenParts {
  const by = (crowded: boolean): ChosenParts => {
    const chosen = chooseMethod(acting, crowded);
    const method = methodById(chosen.method);
    return { chosen, method, parts: planParts(inputs, weights, recipe, method) };
  };
  const first = by(false);
  const crowded = first.parts.modules.some((module) => isStreamed(module.parts.map((part) => part.module)));
  return crowded ? by(true) : first;
}
