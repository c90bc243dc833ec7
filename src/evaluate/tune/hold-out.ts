import { seededRandom } from "../../core/random.ts";
import type { TaskRow } from "../task-rows.ts";

/** Rows to search on, and rows to judge the result by. */
export interface HeldOut {
  readonly search: readonly TaskRow[];
  readonly test: readonly TaskRow[];
}

/** Of each task this share is kept back. */
const SHARE = 1 / 3;

/**
 * Keep a third of each task's rows back, at random. Rows with one prompt stay together. Deterministic for a given `seed`. A task with a
 * single prompt has all its rows searched on.
 */
export function holdOut(rows: readonly TaskRow[], seed: number): HeldOut {
  const random = seededRandom(seed);
  const kept = new Set<TaskRow>();
  for (const task of new Set(rows.map((row) => row.task))) {
    const own = rows.filter((row) => row.task === task);
    const prompts = shuffled([...new Set(own.map(({ prompt }) => prompt))], random.below);
    const back = new Set(prompts.slice(0, Math.floor(SHARE * prompts.length)));
    for (const row of own) if (back.has(row.prompt)) kept.add(row);
  }
  return { search: rows.filter((row) => !kept.has(row)), test: rows.filter((row) => kept.has(row)) };
}

/** Fisher and Yates. */
function shuffled<Item>(items: Item[], below: (limit: number) => number): Item[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
