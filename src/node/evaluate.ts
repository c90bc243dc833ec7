/**
 * Scores models and adapters on task rows with llama.cpp (the package node-llama-cpp, which you install).
 *
 * @module lora-lego/evaluate
 */

import { availableParallelism } from "node:os";
import { UsageError } from "../core/errors.ts";
import { maximum } from "../core/maximum.ts";
import { type TaskScores, taskScores } from "../evaluate/metrics.ts";
import type { TaskRow } from "../evaluate/task-rows.ts";
import { withoutSecrets } from "../remote/web/web-path.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { COUNT, FUNCTION, LLAMA, PATH, PATHS, ROWS, SIGNAL } from "./call/rules.ts";
import { prepareAdapter, prepareBase, requirePaths } from "./evaluate/gguf-inputs.ts";
import { type LlamaModule, loadLlama, loadModel } from "./evaluate/llama.ts";
import { scoreRows } from "./evaluate/score-rows.ts";
import { withScratch } from "./output/scratch.ts";
import type { OnDownload } from "./remote/blob.ts";

export type { BenchResult, BenchScores, MergeScores, OnBenchProgress } from "../evaluate/bench.ts";
export { benchPage } from "../evaluate/bench-page.ts";
export { GLUE_TASKS, parseGlue } from "../evaluate/glue.ts";
export type { ChoiceScore, TaskScores } from "../evaluate/metrics.ts";
export type { PairedDifference } from "../evaluate/paired.ts";
export { firstOfEach, parseTaskRows, type TaskRow } from "../evaluate/task-rows.ts";
export type { Trial } from "../evaluate/tune/trial.ts";
export type { OnTuneProgress, TuneResult } from "../evaluate/tune/tune.ts";
export { tunePage } from "../evaluate/tune/tune-page.ts";
export { writeBaseGgufFile } from "./evaluate/base-gguf-file.ts";
export {
  type Llama,
  type LlamaContext,
  type LlamaInput,
  type LlamaModel,
  type LlamaModule,
  type LlamaNext,
  type LlamaSequence,
  type LlamaToken,
  loadLlama,
} from "./evaluate/llama.ts";
export { type BenchOptions, runBenchFile } from "./evaluate/run-bench.ts";
export { type Tuned, type TuneOptions, tuneMerge } from "./evaluate/run-tune.ts";
export { readTaskFiles, type TaskFileOptions } from "./evaluate/task-files.ts";

/** What to score, and on what. */
export interface EvaluateOptions {
  /** GGUF file of the base model, or its folder (llama, mistral, qwen2 and gpt2 models with byte-level BPE), which is converted in f32. */
  readonly base: string;
  /** Adapters in any supported format, or GGUF files; each is scored alone on top of the base. */
  readonly adapters: readonly string[];
  readonly rows: readonly TaskRow[];
  /** Threads for llama.cpp. Default: all cores. */
  readonly threads?: number;
  /** The package node-llama-cpp. Default: the one that `loadLlama` finds. */
  readonly llama?: LlamaModule;
  readonly signal?: AbortSignal;
  /** Called after each row. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  readonly onDownload?: OnDownload;
}

const EVALUATE: Call<EvaluateOptions> = {
  name: "evaluate",
  takes: {},
  options: {
    base: { ...PATH, needed: true },
    adapters: { ...PATHS, needed: true },
    rows: { ...ROWS, needed: true },
    threads: COUNT,
    llama: LLAMA,
    signal: SIGNAL,
    onProgress: FUNCTION,
    onDownload: FUNCTION,
  },
};

/** The scores of the base model or of one adapter on it. */
export interface Evaluated {
  /** The adapter as it was passed; null for the base alone. */
  readonly adapter: string | null;
  readonly tasks: Readonly<Record<string, TaskScores>>;
  /** Mean accuracy of the tasks. */
  readonly average: number;
}

/**
 * Score a base model alone and with each adapter on task rows, with llama.cpp.
 *
 * @returns the base first, then the adapters in the given order
 * @throws UsageError when node-llama-cpp is not installed; whatever converting the base and the adapters throws
 * @example
 * ```ts
 * import { evaluate, parseTaskRows } from "lora-lego/evaluate";
 *
 * // With the package node-llama-cpp installed.
 * const rows = parseTaskRows('{"prompt":"word : good","choices":["yes","no"],"answer":"yes"}', "sort", "rows");
 * const scored = await evaluate({ base: "model", adapters: ["cola"], rows });
 * console.log(scored.map(({ adapter }) => adapter)); // [ null, 'cola' ]
 * ```
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluated[]> {
  checkCall(EVALUATE, [options]);
  const { base, rows, threads = availableParallelism(), signal, onProgress = () => {} } = options;
  const adapters = options.adapters.map((path) => withoutSecrets(path));
  if (rows.length === 0) throw new UsageError("There are no rows to score; pass --tasks with some.");
  requirePaths(base, adapters);
  const module = options.llama ?? (await loadLlama());
  return withScratch("eval", async (scratch) => {
    const prepared = await prepareBase(scratch, base);
    const files: string[] = [];
    for (const [i, adapter] of adapters.entries()) {
      files.push(await prepareAdapter(scratch, i, adapter, prepared, options));
    }
    const loaded = await loadModel(module, prepared.model, threads);
    try {
      const evaluated: Evaluated[] = [];
      const total = rows.length * (1 + adapters.length);
      let done = 0;
      for (const [i, file] of [null, ...files].entries()) {
        const on = file === null ? [] : [{ filePath: file, scale: 1 }];
        const onRow = (): void => onProgress({ done: ++done, total });
        const scores = await scoreRows(loaded.model, on, rows, threads, onRow, signal);
        evaluated.push({ adapter: file === null ? null : adapters[i - 1]!, ...summarise(rows, scores) });
      }
      return evaluated;
    } finally {
      await loaded.close();
    }
  });
}

function summarise(
  rows: readonly TaskRow[],
  scores: Awaited<ReturnType<typeof scoreRows>>,
): Pick<Evaluated, "tasks" | "average"> {
  const names = [...new Set(rows.map(({ task }) => task))];
  const tasks = Object.fromEntries(
    names.map((name) => {
      const own = rows.flatMap(({ task }, i) => (task === name ? [i] : []));
      const choices = maximum(own.map((i) => rows[i]!.choices.length));
      return [
        name,
        taskScores(
          own.map((i) => scores[i]!),
          own.map((i) => rows[i]!.answer),
          choices,
        ),
      ];
    }),
  );
  const average = names.reduce((sum, name) => sum + tasks[name]!.accuracy, 0) / names.length;
  return { tasks, average };
}
