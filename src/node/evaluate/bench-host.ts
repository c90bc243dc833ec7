import { rmSync } from "node:fs";
import { join } from "node:path";
import type { BenchHost } from "../../evaluate/bench.ts";
import type { TaskRow } from "../../evaluate/task-rows.ts";
import { hashFiles } from "../files/hash.ts";
import { mergeChecked } from "../merge-adapters.ts";
import type { WithHost } from "../threads/disk-host.ts";
import { type PreparedBase, prepareAdapter } from "./gguf-inputs.ts";
import { keptScores, type ReadyAdapter, type ScoresOf } from "./kept-scores.ts";
import type { LlamaModel } from "./llama.ts";

/** What a benchmark runs on. */
export interface BenchPlace {
  /** The adapters to merge. */
  readonly inputs: readonly string[];
  /** The base model, loaded and as files. */
  readonly model: LlamaModel;
  readonly base: PreparedBase;
  /** Folder for merges, which holds one at a time, and folder for scores, which are kept. */
  readonly scratch: string;
  readonly cache: string;
  readonly threads: number;
  readonly signal?: AbortSignal;
  /** Who merges. Default: one thread of this machine, which is the caller's. */
  readonly withHost?: WithHost;
}

/** The rows of one task, and their positions among all rows. */
export interface OneTask {
  readonly own: readonly TaskRow[];
  readonly places: readonly number[];
}

/**
 * Merges into PEFT folders, scores with llama.cpp, and caches each task's scores by the content of base, adapter and rows.
 *
 * @param scoresOf scores that several hosts share
 */
export function benchHost(
  place: BenchPlace,
  scoresOf: ScoresOf = keptScores({ ...place, file: place.base.model }),
): BenchHost {
  const { inputs, scratch, signal, withHost } = place;
  const told = { ...(signal && { signal }) };
  const ready = new Map<string, ReadyAdapter>();
  const tasks = new WeakMap<readonly TaskRow[], readonly OneTask[]>();
  // llama.cpp identifies adapters by path, so no path is used twice.
  let made = 0;
  let merged: string | null = null;

  const readyAdapter = async (path: string): Promise<ReadyAdapter> => {
    const known = ready.get(path);
    if (known !== undefined) return known;
    const file = await prepareAdapter(scratch, made++, path, place.base, told);
    const adapter = { file, hash: await hashFiles([file]) };
    ready.set(path, adapter);
    return adapter;
  };
  const tasksOf = (rows: readonly TaskRow[]): readonly OneTask[] => {
    const known = tasks.get(rows) ?? byTask(rows);
    tasks.set(rows, known);
    return known;
  };
  const forget = (folder: string): void => {
    rmSync(folder, { recursive: true, force: true });
    const adapter = ready.get(folder);
    if (adapter !== undefined) rmSync(adapter.file, { force: true });
    ready.delete(folder);
  };

  return {
    lanes: 1,
    async merge(recipe) {
      if (merged !== null) forget(merged);
      merged = join(scratch, `merge-${made++}`);
      // The merge checks the recipe.
      await mergeChecked(
        inputs,
        recipe,
        { out: merged, to: "peft", threads: 1, ...told },
        { ...(withHost && { withHost }) },
      );
      return merged;
    },
    async score(path, scale, rows) {
      const adapter = path === null ? null : await readyAdapter(path);
      const scores = new Array<readonly number[]>(rows.length);
      for (const { own, places } of tasksOf(rows)) {
        for (const [i, row] of (await scoresOf(adapter, scale, own)).entries()) scores[places[i]!] = row;
      }
      return scores;
    },
  };
}

/** The rows of each task. */
export function byTask(rows: readonly TaskRow[]): OneTask[] {
  return [...new Set(rows.map(({ task }) => task))].map((task) => {
    const places = rows.flatMap((row, i) => (row.task === task ? [i] : []));
    return { own: places.map((i) => rows[i]!), places };
  });
}
