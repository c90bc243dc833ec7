import { computed, effect, signal } from "@preact/signals";
import type { Clustering, ModulePlane, ViewedUnit } from "../../src/analysis/module-view.ts";
import type { ModuleOverview } from "../../src/analysis/overview.ts";
import { type LegoOptions, PAPER } from "../../src/methods/lego/options.ts";
import { idsOf, openIds } from "./adapters.ts";
import { explorer, sentenceOf } from "./explorer.ts";
import { intro } from "./intro.ts";
import { Latest, type Question } from "./latest.ts";
import { overview, recommendedK } from "./overview.ts";

/** The open module, and how its units are clustered. */
export const moduleName = signal<string | null>(null);
export const options = signal<LegoOptions>(PAPER);
/** The requested k; null for the recommended one, or a merge's own while that is unknown. */
export const wantedK = signal<number | null>(null);
effect(() => {
  // The k that the first view came to is nobody's wish.
  if (!intro.value) wantedK.value = null;
});

export const plane = signal<ModulePlane | null>(null);
/** The number of clusters shown, at most the module's units. */
export const k = computed(() => {
  const units = plane.value?.units ?? [];
  if (units.length === 0) return wantedK.value ?? 1;
  return Math.min(wantedK.value ?? recommendedK.value ?? Math.max(...ranksOf(units)), units.length);
});

/** The rank at which LEGO kept most of such adapters, as far as this module has units; null while it is unknown. */
export const recommended = computed(() => {
  const units = plane.value?.units.length ?? 0;
  return recommendedK.value === null || units === 0 ? null : Math.min(recommendedK.value, units);
});

/** How many units each adapter has. */
function ranksOf(units: readonly ViewedUnit[]): number[] {
  const counts = new Map<number, number>();
  for (const { id } of units) counts.set(id[0], (counts.get(id[0]) ?? 0) + 1);
  return [...counts.values()];
}

/** Names of all modules that an open adapter has. */
export const moduleNames = signal<readonly string[]>([]);
const naming = new Latest(() => {});
effect(() => {
  const ids = idsOf(openIds.value);
  if (ids.length === 0) {
    naming.cancel();
    moduleNames.value = [];
    return;
  }
  void naming.ask(async ({ wait }) => {
    moduleNames.value = await wait(explorer.modules(ids));
  });
});

/** The module to open where none is chosen: the one that changes most, as far as is known. */
export async function chooseModule(): Promise<void> {
  if (moduleName.peek() !== null) return;
  const ids = openIds.peek();
  const known = [...overview.peek().values()].sort((one, other) => sizeOf(other) - sizeOf(one));
  const name = known[0]?.name ?? (await explorer.modules(idsOf(ids))).at(-1);
  if (moduleName.peek() === null && openIds.peek() === ids) moduleName.value = name ?? null;
}

function sizeOf({ norms }: ModuleOverview): number {
  return norms.reduce<number>((sum, norm) => sum + (norm ?? 0), 0);
}

export const clustering = signal<Clustering | null>(null);
/** The clusterings computed so far, by k. */
export const curve = signal<readonly Clustering[]>([]);
/** Positions by UMAP; null unless requested. */
export const layout = signal<readonly (readonly [number, number])[] | null>(null);
export const layoutBusy = signal(false);
export const moduleError = signal<string | null>(null);
/** Indices of the marked units. */
export const marked = signal<ReadonlySet<number>>(new Set());

const opening = new Latest((error) => {
  moduleError.value = sentenceOf(error);
});

/** Whether adapters were open until now: a module that is chosen before they are is a wish for them. */
let wereOpen = false;

/** Reopen the module whenever it, its options or the adapters change. */
effect(() => {
  const name = moduleName.value;
  const ids = idsOf(openIds.value);
  const how = options.value;
  opening.cancel();
  plane.value = null;
  clustering.value = null;
  layout.value = null;
  layoutBusy.value = false;
  curve.value = [];
  marked.value = new Set();
  moduleError.value = null;
  const forgotten = ids.length === 0 && wereOpen;
  wereOpen = ids.length > 0;
  if (forgotten) moduleName.value = null;
  else if (wereOpen && name !== null) void opening.ask((question) => open(ids, name, how, question));
});

async function open(ids: readonly number[], name: string, how: LegoOptions, question: Question): Promise<void> {
  const opened = await question.wait(explorer.openModule(ids, name, how));
  plane.value = opened;
  await clusterNow();
  await computeCurve(opened, how, question);
}

let clusteringAt: Promise<void> | null = null;

/** Cluster at the slider's k; while one clustering runs, only the latest k waits. */
async function clusterNow(): Promise<void> {
  while (clusteringAt !== null) await clusteringAt;
  const [wanted, opened, how] = [k.peek(), plane.peek(), options.peek()];
  if (opened === null || clustering.peek()?.k === wanted) return;
  clusteringAt = opening.also(async ({ wait }) => {
    clustering.value = await wait(explorer.cluster(opened.name, wanted, how));
  });
  await clusteringAt;
  clusteringAt = null;
}

effect(() => {
  k.value;
  void clusterNow();
});

/** The most points of a curve; large pools are sampled every few k. */
const CURVE_POINTS = 64;

async function computeCurve(
  { name, units: { length: units } }: ModulePlane,
  how: LegoOptions,
  { wait }: Question,
): Promise<void> {
  const step = Math.max(1, Math.ceil(units / CURVE_POINTS));
  const found: Clustering[] = [];
  for (let at = 1; at <= units; at += step) {
    while (clusteringAt !== null) await wait(clusteringAt);
    found.push(await wait(explorer.cluster(name, at, how)));
    if (found.length % 8 === 0 || at + step > units) curve.value = [...found];
  }
}

export function computeLayout(): Promise<void> {
  const { coordinates } = plane.peek()!;
  layoutBusy.value = true;
  return opening.also(async ({ current, wait }) => {
    try {
      layout.value = await wait(explorer.umap(coordinates));
    } finally {
      if (current()) layoutBusy.value = false;
    }
  });
}
