import type { Adapter } from "../../src/adapter/adapter.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import type { MergeReport } from "../../src/report/report.ts";
import { openPico, type PicoAdapter, type PicoModule } from "./pico.ts";

/** The report of a merge in memory. */
export const report = async (adapters: readonly Adapter[], recipe: Recipe = {}): Promise<MergeReport> =>
  (await mergeInMemory(adapters, recipe)).report;

export const open = (
  name: string,
  modules: Readonly<Record<string, PicoModule>>,
  config = {},
  extra: Partial<PicoAdapter> = {},
): Promise<Adapter> => openPico(name, { modules, config, ...extra });

/** A module of rank 1: delta = b a^T. */
export const unit = (a: readonly number[], b: readonly number[]): PicoModule => ({
  A: [a],
  B: b.map((value) => [value]),
});

/** Deltas [[3, 0], [0, 0]] and [[0, 0], [0, 4]], at right angles. */
export const three: PicoModule = unit([3, 0], [1, 0]);
export const four: PicoModule = unit([0, 4], [0, 1]);
export const right = async (config = {}): Promise<Adapter[]> => [
  await open("three", { q: three }, config),
  await open("four", { q: four }, config),
];

export const LEGO = { method: "lego" } as const;
export const RANK_1 = { method: "lego", target: { kind: "rank", rank: 1 } } as const;
export const CAT = { method: "cat" } as const;
