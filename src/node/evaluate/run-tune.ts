import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { UsageError } from "../../core/errors.ts";
import type { TaskRow } from "../../evaluate/task-rows.ts";
import { holdOut } from "../../evaluate/tune/hold-out.ts";
import { layerGroups } from "../../evaluate/tune/layer-groups.ts";
import { type OnTuneProgress, type TuneHost, type TuneResult, tune } from "../../evaluate/tune/tune.ts";
import type { Recipe } from "../../recipe/recipe.ts";
import { type Call, checkCall } from "../call/check-call.ts";
import { BY_NAME, COUNT, FUNCTION, LLAMA, PATH, PATHS, ROWS, SIGNAL, SWITCH } from "../call/rules.ts";
import { type Merged, mergeAdapters, planMergedOutput } from "../merge-adapters.ts";
import { withScratch } from "../output/scratch.ts";
import { baseConfigFile, prepareBase, requirePaths } from "./gguf-inputs.ts";
import { type LlamaModule, loadLlama, loadModel } from "./llama.ts";
import { tuneHost } from "./tune-host.ts";

/** What a merge is tuned on, and where it goes. */
export interface TuneOptions {
  /** GGUF file of the base model, or its folder, as for `evaluate`. */
  readonly base: string;
  /** Rows to search on. */
  readonly rows: readonly TaskRow[];
  /** Rows that are scored once at the end. Default: a third of `rows`, which the search then does not see. */
  readonly test?: readonly TaskRow[];
  /** Where the tuned merge is written: one file if the name ends in .safetensors or .gguf, else a folder. */
  readonly out: string;
  /** Replace a folder that lora-lego wrote, or a file. Default false. */
  readonly force?: boolean;
  /** How many merges are scored in the search. Default 200. */
  readonly budget?: number;
  /** The rank of all merges. Default: what the adapters recommend; twice that is tried too. */
  readonly rank?: number;
  /** As in a recipe, for adapters that end at different layers, and for their heads. */
  readonly allowPartial?: boolean;
  readonly extras?: "error" | "drop";
  /** How much each task counts; 1 for those left out. */
  readonly prefer?: Readonly<Record<string, number>>;
  /** Default 0. */
  readonly seed?: number;
  /** Folder for finished scores, from which an interrupted search resumes. Default `<out>.cache`. */
  readonly cache?: string;
  readonly threads?: number;
  readonly llama?: LlamaModule;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnTuneProgress;
  /** Called with one sentence when something left by an interrupted run is cleaned up. */
  readonly onNotice?: (text: string) => void;
}

const BUDGET = 200;

const TUNE: Call<TuneOptions> = {
  name: "tuneMerge",
  takes: { paths: PATHS },
  options: {
    base: { ...PATH, needed: true },
    rows: { ...ROWS, needed: true },
    test: ROWS,
    out: { ...PATH, needed: true },
    force: SWITCH,
    budget: COUNT,
    rank: COUNT,
    allowPartial: SWITCH,
    extras: { type: "choice", choices: ["error", "drop"] },
    prefer: BY_NAME,
    seed: { type: "integer", least: 0 },
    cache: PATH,
    threads: COUNT,
    llama: LLAMA,
    signal: SIGNAL,
    onProgress: FUNCTION,
    onNotice: FUNCTION,
  },
};

/** A search and the merge that it wrote. */
export interface Tuned extends TuneResult {
  readonly merged: Merged;
}

/**
 * Search for the merge of these adapters that does best on some rows (docs/tune.md), and write it. `recipe.yaml` in its folder makes it
 * again without model and rows.
 *
 * @throws UsageError for fewer than two adapters, no rows and unknown tasks; whatever merging and scoring throw
 * @example
 * ```ts
 * import { parseTaskRows, tuneMerge } from "lora-lego/evaluate";
 *
 * // With the package node-llama-cpp installed.
 * const lines = ["good", "bad", "fine"].map((word) => `{"prompt":"word : ${word}","choices":["yes","no"],"answer":"yes"}`);
 * const rows = parseTaskRows(lines.join("\n"), "words", "rows");
 * const tuned = await tuneMerge(["cola", "mnli"], { base: "model", rows, budget: 4, out: "tuned-words" });
 * console.log(tuned.trials, tuned.merged.format); // 4 peft
 * ```
 */
export async function tuneMerge(paths: readonly string[], options: TuneOptions): Promise<Tuned> {
  checkCall(TUNE, [paths, options]);
  return tuneChecked(paths, options, withLocalHost(options));
}

/** What a search is run on, by whoever merges and scores. */
export interface TuneSetting {
  readonly base: string;
  readonly adapters: readonly string[];
  readonly search: readonly TaskRow[];
  readonly test: readonly TaskRow[];
  readonly cache: string;
  readonly scratch: string;
}

/** Does work with a host for a search, and closes it. */
type WithTuneHost = <T>(setting: TuneSetting, work: (host: TuneHost) => Promise<T>) => Promise<T>;

/** Merge and score on this machine. */
function withLocalHost({ llama, threads = availableParallelism(), signal }: TuneOptions): WithTuneHost {
  return async ({ base: path, adapters, scratch, cache }, work) => {
    requirePaths(path, adapters);
    const module = llama ?? (await loadLlama());
    const base = await prepareBase(scratch, path);
    const { model, close } = await loadModel(module, base.model, threads);
    try {
      const place = { inputs: adapters, model, base, scratch, cache, threads, ...(signal && { signal }) };
      return await work(tuneHost(place));
    } finally {
      await close();
    }
  };
}

/** `tuneMerge` for callers that have checked their options. @param withHost who merges and scores */
export async function tuneChecked(
  paths: readonly string[],
  options: TuneOptions,
  withHost: WithTuneHost,
): Promise<Tuned> {
  const { out, budget = BUDGET, seed = 0, rank = null, prefer = {}, signal, onProgress, onNotice } = options;
  const threads = options.threads ?? availableParallelism();
  if (paths.length < 2) {
    throw new UsageError("A single adapter has nothing to tune; pass two or more, or use resize to change its rank.");
  }
  const { search, test } =
    options.test === undefined ? holdOut(options.rows, seed) : { search: options.rows, test: options.test };
  refuseTasks(search, prefer);
  const placed = { out, ...(options.force && { force: true }), ...(onNotice && { onNotice }) };
  const { allowPartial, extras } = options;
  const every = { ...(allowPartial && { allowPartial }), ...(extras !== undefined && { extras }) };
  const cache = options.cache ?? `${resolve(out)}.cache`;
  return withScratch("tune", async (scratch) => {
    const ofBase = out.endsWith(".gguf") ? { baseConfig: await baseConfigFile(scratch, options.base) } : {};
    // Refuses adapters and outputs that do not work before anything is scored.
    const { plan } = await planMergedOutput(paths, { ...every, method: "auto" }, { ...placed, ...ofBase });
    const groups = layerGroups(plan.modules.map(({ name }) => name));
    const wanted = { adapters: paths.length, groups, search, test, budget, seed, prefer, rank, every };
    const setting = { base: options.base, adapters: paths, search, test, cache, scratch };
    const found = await withHost(setting, (host) => tune(host, wanted, onProgress));
    const merging = { ...placed, ...ofBase, threads, ...(signal && { signal }) };
    return { ...found, merged: await mergeAdapters(paths, found.tuned.recipe as Recipe, merging) };
  });
}

function refuseTasks(rows: readonly TaskRow[], prefer: Readonly<Record<string, number>>): void {
  if (rows.length === 0) throw new UsageError("There are no rows to search on; pass --tasks with some.");
  const tasks = [...new Set(rows.map(({ task }) => task))];
  const stray = Object.keys(prefer).find((task) => !tasks.includes(task));
  if (stray !== undefined) {
    throw new UsageError(
      `There are no rows of the task ${stray} to prefer (the tasks are ${tasks.join(", ")}); correct its name.`,
    );
  }
}
