import { computed, effect, signal } from "@preact/signals";
import { proxy } from "comlink";
import type { Estimate, ExplorerMerge } from "../../src/browser/explorer.ts";
import type { ResultChecks } from "../../src/browser/result.ts";
import { bytesEqual } from "../../src/core/bytes.ts";
import { AUTO } from "../../src/methods/auto.ts";
import { DEFAULT_METHOD } from "../../src/methods/method.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { announcement, chosenAdapters, openIds } from "./adapters.ts";
import { explorer, sentenceOf } from "./explorer.ts";
import { intro } from "./intro.ts";
import { losesAll } from "./kept-of-each.ts";
import { Latest } from "./latest.ts";
import { audited } from "./overview.ts";

/** The form's recipe; weights are stored with the adapters. */
export const recipe = signal<Recipe>({ method: DEFAULT_METHOD });

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
export const wanted = computed<Recipe>(() => {
  const asked = recipe.value;
  const rank = recommendedRank(asked.method);
  return asked.target !== undefined || ownRank.value || rank === null
    ? asked
    : { ...asked, target: { kind: "rank", rank } };
});

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

/** How many results are kept; the oldest go first. */
export const KEPT = 6;

export const merges = signal<readonly MadeMerge[]>([]);
/** What went to make room for the newest results, by number and title. */
export const droppedMerges = signal<readonly string[]>([]);
/** The methods whose results lost every adapter, which are not among the best. */
export const losingMethods = signal<readonly string[]>([]);
/** The number of the result that is shown in full. */
export const shownMerge = signal<number | null>(null);
/** How often a result came that is shown in full: it may be one that is shown already. */
export const landed = signal(0);
export const progress = signal<{ readonly done: number; readonly total: number; readonly of: string } | null>(null);
/** Whether results stand side by side: several are there, or being made. */
export const sideBySide = computed(() => merges.value.length > 1 || (progress.value?.of ?? "") !== "");
export const CANCELLED = "The merge was cancelled; nothing was written.";
export const mergeError = signal<string | null>(null);

/** The error of an earlier recipe disappears when the recipe changes. */
effect(() => {
  void [chosenAdapters.value, wanted.value];
  mergeError.value = null;
});

/** Merge as the form says. */
export function startMerge(): Promise<void> {
  return mergeBy([wanted.value]);
}

/** Merge by several recipes, one after the other; the first result is shown. */
export function mergeBy(recipes: readonly Recipe[]): Promise<void> {
  return mergeInTurn(recipes, recipes.length, false);
}

/** Merge by the first recipes, best first, whose results do not lose every adapter; looks at twice as many at most. @param count how many */
export function mergeByBest(recipes: readonly Recipe[], count: number): Promise<void> {
  return mergeInTurn(recipes.slice(0, 2 * count), count, true);
}

async function mergeInTurn(recipes: readonly Recipe[], count: number, isBest: boolean): Promise<void> {
  if (progress.value !== null) return;
  mergeError.value = null;
  droppedMerges.value = [];
  losingMethods.value = [];
  const run = 1 + Math.max(0, ...merges.value.map((made) => made.run));
  let place = 0;
  try {
    for (const asked of recipes) {
      if (place === count) break;
      const of = count === 1 ? "" : `${asked.method}, ${place + 1} of ${count}: `;
      progress.value = { done: 0, total: 1, of };
      const made = await mergeOnce(asked, of);
      if (isBest && losesAll(made.report)) {
        losingMethods.value = [...losingMethods.value, asked.method!];
        continue;
      }
      const number = take(made, run, place);
      if (place++ > 0) continue;
      shownMerge.value = number;
      landed.value++;
    }
  } catch (error) {
    const stopped = error instanceof Error && error.name === "AbortError";
    mergeError.value = stopped ? CANCELLED : sentenceOf(error);
    announcement.value = mergeError.value;
  } finally {
    progress.value = null;
  }
}

type Merged = ExplorerMerge & Pick<MadeMerge, "recipe" | "seconds">;

async function mergeOnce(asked: Recipe, of: string): Promise<Merged> {
  const begun = performance.now();
  const onProgress = proxy((at: { readonly done: number; readonly total: number }): void => {
    if (progress.value !== null) progress.value = { ...at, of };
  });
  const merged = await explorer.merge(chosenAdapters.value, asked, onProgress);
  return { ...merged, recipe: asked, seconds: (performance.now() - begun) / 1000 };
}

/** Put a result among the others. @returns its number, which is that of an earlier one with the same files */
function take(merged: Merged, run: number, place: number): number {
  const twin = merges.value.find(({ files }) => sameFiles(files, merged.files));
  const number = twin?.number ?? nextNumber();
  // One that was there already stands where it was made again.
  const made = { ...(twin ?? { ...merged, number, checks: null }), run, place };
  const all = inOrder([...merges.value.filter((other) => other !== twin), made]);
  droppedMerges.value = [...droppedMerges.value, ...all.slice(KEPT).map((old) => `${old.number}. ${old.title}`)];
  merges.value = all.slice(0, KEPT);
  announcement.value = `Merged: ${number}. ${made.title}.`;
  return number;
}

/** The results that have to go for others. @param count of the others */
export function makingRoom(count: number): readonly MadeMerge[] {
  return merges.value.slice(KEPT - count);
}

function nextNumber(): number {
  return 1 + Math.max(0, ...merges.value.map(({ number }) => number));
}

/** The newest run first, and the results of one in the order that they were made in. */
export function inOrder(made: readonly MadeMerge[]): MadeMerge[] {
  return made.toSorted((one, other) => other.run - one.run || one.place - other.place);
}

function sameFiles(one: ExplorerMerge["files"], other: ExplorerMerge["files"]): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  const none = new Uint8Array(0);
  return [...names].every((name) => bytesEqual(one[name] ?? none, other[name] ?? none));
}

export function cancelMerge(): void {
  void explorer.cancelMerge();
}
