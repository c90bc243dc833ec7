import { computed, effect, signal } from "@preact/signals";
import { proxy } from "comlink";
import type { Estimate } from "../../src/browser/explorer.ts";
import { DEFAULT_METHOD } from "../../src/methods/method.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { announcement, chosenAdapters } from "./adapters.ts";
import { explorer, sentenceOf } from "./explorer.ts";
import { intro } from "./intro.ts";
import { Latest } from "./latest.ts";

/** The form's recipe; weights are stored with the adapters. */
export const recipe = signal<Recipe>({ method: DEFAULT_METHOD });

/** Change fields of the recipe; undefined restores the default. */
export function ask(change: { readonly [Field in keyof Recipe]?: Recipe[Field] | undefined }): void {
  const asked = Object.entries({ ...recipe.value, ...change }).filter(([, value]) => value !== undefined);
  recipe.value = Object.fromEntries(asked) as Recipe;
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
  const [chosen, wanted] = [chosenAdapters.value, recipe.value];
  estimate.value = null;
  if (chosen.length === 0 || intro.value) return estimating.cancel();
  void estimating.ask(async ({ wait }) => {
    estimate.value = await wait(explorer.estimate(chosen, wanted));
  });
});

/** A merge that was made on this page. */
export interface MadeMerge {
  readonly number: number;
  readonly title: string;
  readonly report: MergeReport;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly seconds: number;
}

/** How many results are kept; the oldest go first. */
const KEPT = 4;

export const merges = signal<readonly MadeMerge[]>([]);
export const progress = signal<{ readonly done: number; readonly total: number } | null>(null);
export const mergeError = signal<string | null>(null);
let made = 0;

/** The error of an earlier recipe disappears when the recipe changes. */
effect(() => {
  void [chosenAdapters.value, recipe.value];
  mergeError.value = null;
});

export async function startMerge(): Promise<void> {
  if (progress.value !== null) return;
  const begun = performance.now();
  mergeError.value = null;
  progress.value = { done: 0, total: 1 };
  const onProgress = proxy((at: { readonly done: number; readonly total: number }): void => {
    if (progress.value !== null) progress.value = at;
  });
  try {
    const { report, files } = await explorer.merge(chosenAdapters.value, recipe.value, onProgress);
    const seconds = (performance.now() - begun) / 1000;
    const title = `${report.options.method}, rank ${report.totals.rank}`;
    const number = ++made;
    merges.value = [{ number, title, report, files, seconds }, ...merges.value].slice(0, KEPT);
    announcement.value = `Merged: ${number}. ${title}.`;
  } catch (error) {
    const stopped = error instanceof Error && error.name === "AbortError";
    mergeError.value = stopped ? "The merge was cancelled; nothing was written." : sentenceOf(error);
    announcement.value = mergeError.value;
  } finally {
    progress.value = null;
  }
}

export function cancelMerge(): void {
  void explorer.cancelMerge();
}
