import { computed, effect, signal } from "@preact/signals";
import { proxy } from "comlink";
import type { ExplorerMerge } from "../../src/browser/explorer.ts";
import { bytesEqual } from "../../src/core/bytes.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { announcement, chosenAdapters } from "./adapters.ts";
import { explorer, sentenceOf } from "./explorer.ts";
import { losesAll } from "./kept-of-each.ts";
import { inOrder, type MadeMerge, merges, shownMerge, wanted } from "./merge.ts";

/** How many results are kept; the oldest go first. */
export const KEPT = 6;

/** What went to make room for the newest results, by number and title. */
export const droppedMerges = signal<readonly string[]>([]);
/** The methods whose results lost every adapter, which are not among the best. */
export const losingMethods = signal<readonly string[]>([]);
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
  return mergeInTurn([wanted.value], 1, false);
}

/** Merge by the first recipes, best first, whose results do not lose every adapter, one after the other; looks at twice as many at most. @param count how many */
export function mergeByBest(recipes: readonly Recipe[], count: number): Promise<void> {
  return mergeInTurn(recipes.slice(0, 2 * count), count, true);
}

/** Merge by recipes in turn; the first result is shown. */
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

function sameFiles(one: ExplorerMerge["files"], other: ExplorerMerge["files"]): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  const none = new Uint8Array(0);
  return [...names].every((name) => bytesEqual(one[name] ?? none, other[name] ?? none));
}

export function cancelMerge(): void {
  void explorer.cancelMerge();
}
