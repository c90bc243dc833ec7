import { computed, effect, signal } from "@preact/signals";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { openAdapters, weigh } from "./adapters.ts";
import { FIRST_RECIPE, fillForm, recipe } from "./merge.ts";
import { missing, type PageAdapter, pageAdapters, sameSource } from "./page-state.ts";

/** What the form of a merge says, with the adapters whose weights are other than 1. */
export interface KeptForm {
  readonly recipe: Recipe;
  readonly weighted: readonly PageAdapter[];
}

/** Adapters that had another weight than 1 and are not open again yet. */
const awaited = signal<readonly PageAdapter[]>([]);

/** The form as it is now, and as adapters that are still to be opened left it. */
export const form = computed<KeptForm>(() => ({
  recipe: recipe.value,
  weighted: [...pageAdapters().filter(({ weight }) => weight !== 1), ...awaited.value],
}));

/** Whether the form says anything that it does not begin with. */
export const formIsFilled = computed(
  () => JSON.stringify(form.value) !== JSON.stringify({ recipe: FIRST_RECIPE, weighted: [] }),
);

/** Weights come back as their very adapters are opened. */
effect(() => {
  for (const { key, source, card, weight } of openAdapters.value) {
    const found = awaited.value.find(
      (kept) => weight === 1 && sameSource(kept.source, source) && (kept.print ?? null) === card.print,
    );
    if (found === undefined) continue;
    awaited.value = awaited.value.filter((kept) => kept !== found);
    weigh(key, found.weight);
  }
});

/** A page that is restored from a link or a file has weights of its own. */
effect(() => {
  if (missing.value.length > 0) awaited.value = [];
});

/** Fill the form as an earlier visit left it, unless a link or somebody has filled it by now. */
export function restoreForm({ recipe: asked, weighted }: KeptForm): void {
  if (recipe.peek() !== FIRST_RECIPE) return;
  fillForm(asked);
  awaited.value = weighted;
}

/** Let the form say what it begins with. */
export function forgetForm(): void {
  fillForm(FIRST_RECIPE);
  awaited.value = [];
  for (const { key } of openAdapters.value) weigh(key, 1);
}
