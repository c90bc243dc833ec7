import { computed, effect, signal } from "@preact/signals";
import type { Estimate, ExplorerMerge } from "../../src/browser/explorer.ts";
import type { ResultChecks } from "../../src/browser/result.ts";
import { AUTO } from "../../src/methods/auto.ts";
import { DEFAULT_METHOD } from "../../src/methods/method.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { chosenAdapters, openIds } from "./adapters.ts";
import { explorer, sentenceOf } from "./explorer.ts";
import { intro } from "./intro.ts";
import { Latest } from "./latest.ts";
import { audited } from "./overview.ts";

/** What the form begins with. */
export const FIRST_RECIPE: Recipe = { method: DEFAULT_METHOD };
/** The form's recipe; weights are stored with the adapters. */
export const recipe = signal<Recipe>(FIRST_RECIPE);

/** Change fields of the recipe; undefined restores the default. */
export function ask(change: { readonly [Field in keyof Recipe]?: Recipe[Field] | undefined }): void {
  const asked = Object.entries({ ...recipe.value, ...change }).filter(([, value]) => value !== undefined);
  recipe.value = Object.fromEntries(asked) as Recipe;
}

/** The rank that the overview recommends for a method; null if it recommends none. */
export function recommendedRank(method: string | undefined): number | null {
  const found = audited.value?.audit.recommendation ?? null;
  if (found === null) return null;
  if (method === AUTO || method === found.method) return found.rank;
  return found.lego !== null && method === found.lego.method ? found.lego.rank : null;
}

/** Whether the field of the rank was emptied, for a merge at the rank that it takes by itself. */
const ownRank = signal(false);
/** Whether the rank is what somebody typed, and not one that was filled in. */
export const typedRank = signal(false);
effect(() => {
  openIds.value;
  ownRank.value = false;
  typedRank.value = false;
});

/** Take what is typed into the field of the rank; nothing is the method's own. */
export function typeRank(text: string): void {
  ownRank.value = text === "";
  typedRank.value = text !== "";
  ask({ target: text === "" ? undefined : { kind: "rank", rank: Number(text) } });
}

/** The recipe that is carried out: the form's, at the recommended rank where it says none. */
export const wanted = computed<Recipe>(() => atRecommendedRank(recipe.value));

/** A recipe at the recommended rank where it says none, unless the field of the rank was emptied. */
export function atRecommendedRank(asked: Recipe): Recipe {
  const rank = recommendedRank(asked.method);
  return asked.target !== undefined || ownRank.value || rank === null
    ? asked
    : { ...asked, target: { kind: "rank", rank } };
}

/** The factor that the form has from advice, which was computed for one method; null where it has none, or the user's own. */
export const advisedScale = signal<Recipe["scale"] | null>(null);

/** Fill the form with another recipe, whose factor was computed for no method. */
export function fillForm(asked: Recipe): void {
  recipe.value = asked;
  advisedScale.value = null;
  typedRank.value = false;
}

/** The form's recipe for another method: options go with the method, and so does a factor that was computed for it. */
export function withoutMethod(asked: Recipe): Recipe {
  const { options: _, scale, ...rest } = asked;
  return scale === undefined || scale === advisedScale.value ? rest : { ...rest, scale };
}

/** Choose another method; a rank that was typed stays, and one that was filled in goes with the method that it was for. */
export function askMethod(method: string): void {
  const { target, ...rest } = withoutMethod(recipe.value);
  const stays = target !== undefined && typedRank.value;
  recipe.value = { ...rest, method, ...(stays && { target }) } as Recipe;
}

export const estimate = signal<Estimate | null>(null);
/** Why the requested merge is refused; null if it is not. */
export const refusal = computed(() => {
  const found = estimate.value;
  return found !== null && "refused" in found ? found.refused : null;
});

const estimating = new Latest((error) => {
  estimate.value = { refused: sentenceOf(error) };
});

effect(() => {
  const [chosen, asked] = [chosenAdapters.value, wanted.value];
  estimate.value = null;
  if (chosen.length === 0 || intro.value) return estimating.cancel();
  void estimating.ask(async ({ wait }) => {
    estimate.value = await wait(explorer.estimate(chosen, asked));
  });
});

/** What an audit finds in a result, or why it cannot be audited; null while that is not known. */
export type Checks = ResultChecks | { readonly unknown: string } | null;

/** A merge that was made on this page. */
export interface MadeMerge extends ExplorerMerge {
  readonly number: number;
  /** Which press of a button made it last, and its place among the results of that; the newest run stands first, in its own order. */
  readonly run: number;
  readonly place: number;
  /** What the form said; weights are in the report. */
  readonly recipe: Recipe;
  readonly seconds: number;
  readonly checks: Checks;
}

export const merges = signal<readonly MadeMerge[]>([]);
/** The number of the result that is shown in full. */
export const shownMerge = signal<number | null>(null);

/** The newest run first, and the results of one in the order that they were made in. */
export function inOrder(made: readonly MadeMerge[]): MadeMerge[] {
  return made.toSorted((one, other) => other.run - one.run || one.place - other.place);
}
