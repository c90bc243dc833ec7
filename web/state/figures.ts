import { computed, signal } from "@preact/signals";
import { blockGrid, type ModuleGrid, moduleGrid } from "../../src/analysis/module-grid.ts";
import type { ModuleOverview } from "../../src/analysis/overview.ts";
import { openAdapters } from "./adapters.ts";
import { overview } from "./overview.ts";

/** The figures of a module, each with the ends of its scale of colours, which do not depend on what is chosen. */
export const FIGURES = {
  norms: { title: "Delta norm", of: "one", hint: "Frobenius norm of s B A: how much a module changes." },
  effectiveRanks: {
    title: "Effective rank",
    of: "one",
    hint: "Exponential of the entropy of the singular values: how many directions a delta really uses.",
  },
  cosines: { title: "Similarity", of: "two", hint: "Cosine of two adapters' deltas; 1 is the same direction." },
  signConflicts: {
    title: "Sign conflict",
    of: "all",
    hint: "Share of sampled entries in which two adapters' deltas have different signs; chance is 0.5.",
  },
  purity: {
    title: "Cluster purity",
    of: "all",
    hint: "Share of units in a cluster whose majority comes from their own adapter. High: clusters rarely mix adapters.",
  },
} as const;
export type FigureId = keyof typeof FIGURES;

export const shownFigure = signal<FigureId>("norms");
/** Ids of the chosen adapters; -1 for all. */
export const first = signal(-1);
export const second = signal(-1);

/** A chosen adapter's current place in the list; -1 for all, also if it was removed. */
export function placeOf(id: number): number {
  return openAdapters.value.findIndex(({ card }) => card.id === id);
}

/** The figure to show for a module; null if there is none. */
function shownOf(module: ModuleOverview): number | null {
  const figureId = shownFigure.value;
  const [one, other] = [placeOf(first.value), placeOf(second.value)];
  if (figureId === "signConflicts") return module.signConflicts;
  if (figureId === "purity") return module.purity?.purity ?? null;
  if (figureId === "cosines") {
    const pairs = module.cosines.flatMap((row, t) =>
      row.filter((_, u) => t < u && (one < 0 || one === t || one === u) && (other < 0 || other === t || other === u)),
    );
    return meanOf(pairs);
  }
  const values = module[figureId];
  return one < 0 ? meanOf(values) : (values[one] ?? null);
}

function meanOf(values: readonly (number | null)[]): number | null {
  const there = values.filter((value) => value !== null);
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0) / there.length;
}

const values = computed(() => new Map(Array.from(overview.value, ([name, module]) => [name, shownOf(module)])));

/** The mean of the shown figure over some modules; null if none has it. */
export function meanValue(names: readonly string[]): number | null {
  return meanOf(names.map((name) => values.value.get(name) ?? null));
}

/** At which ranks LEGO's clusters were made whose purity is shown; empty where none is. */
export const purityRanks = computed<readonly number[]>(() => {
  const ranks = [...overview.value.values()].flatMap(({ purity }) => purity?.rank ?? []);
  return [...new Set(ranks)].sort((one, other) => one - other);
});

/** The ends of the shown figure's scale: its own, or zero and the largest of any adapter and module. */
export const scale = computed<readonly [least: number, most: number]>(() => {
  const figureId = shownFigure.value;
  if (figureId === "cosines") return [-1, 1];
  if (figureId === "signConflicts" || figureId === "purity") return [0, 1];
  const all = [...overview.value.values()].flatMap((module) => module[figureId].map((value) => value ?? 0));
  return [0, Math.max(...all, 1e-30)];
});

/** Layers by kind of module, or blocks of an image model. */
export const grid = computed<ModuleGrid>(() => {
  const modules = [...overview.value.values()];
  return modules.some(({ block }) => block !== null) ? blockGrid(modules) : moduleGrid(modules.map(({ name }) => name));
});
