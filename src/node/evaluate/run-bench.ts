import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { WRITTEN } from "../../core/written.ts";
import { type BenchHost, type BenchResult, type OnBenchProgress, runBench } from "../../evaluate/bench.ts";
import { checkTasks, parseBench } from "../../evaluate/bench-file.ts";
import { benchPage } from "../../evaluate/bench-page.ts";
import type { TaskRow } from "../../evaluate/task-rows.ts";
import { isRemotePath } from "../../remote/remote-path.ts";
import { withoutSecrets } from "../../remote/web/web-path.ts";
import { type Call, checkCall } from "../call/check-call.ts";
import { COUNT, FUNCTION, LLAMA, PATH, SIGNAL, SWITCH } from "../call/rules.ts";
import { readText } from "../files/read-text.ts";
import { refuseNothing } from "../files/refuse-nothing.ts";
import { intoFile } from "../output/into-output.ts";
import { withScratch } from "../output/scratch.ts";
import { benchHost } from "./bench-host.ts";
import { prepareBase, requirePaths } from "./gguf-inputs.ts";
import { type LlamaModule, loadLlama, loadModel } from "./llama.ts";
import { readTaskFiles } from "./task-files.ts";

/** How to run a benchmark. */
export interface BenchOptions {
  /** Folder for finished scores, from which an interrupted run resumes; default `<file>.cache` next to the file. */
  readonly cache?: string;
  /** Also write the tables as Markdown to this file. */
  readonly out?: string;
  /** Replace `out` even if lora-lego did not write it. Default false. */
  readonly force?: boolean;
  /** Use only the first `limit` rows of each task. */
  readonly limit?: number;
  readonly threads?: number;
  readonly llama?: LlamaModule;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnBenchProgress;
  /** Called with one sentence when something left by an interrupted run is cleaned up. */
  readonly onNotice?: (text: string) => void;
}

const BENCH: Call<BenchOptions> = {
  name: "runBenchFile",
  takes: { file: PATH },
  options: {
    cache: PATH,
    out: PATH,
    force: SWITCH,
    limit: COUNT,
    threads: COUNT,
    llama: LLAMA,
    signal: SIGNAL,
    onProgress: FUNCTION,
    onNotice: FUNCTION,
  },
};

/**
 * Run the benchmark that a file describes.
 *
 * @throws whatever parsing the file, merging and scoring throw
 * @example
 * ```ts
 * import { runBenchFile } from "lora-lego/evaluate";
 * import { writeFile } from "node:fs/promises";
 *
 * // With the package node-llama-cpp installed.
 * await writeFile("rows.jsonl", '{"prompt":"word : good","choices":["yes","no"],"answer":"yes"}\n');
 * await writeFile(
 *   "bench.yaml",
 *   "base: model\ntasks: { dev: rows.jsonl, test: rows.jsonl }\nadapters: [{ path: cola, task: rows }]\nmerges: [{ method: lego }]\nranks: [4]\n",
 * );
 * const { merges } = await runBenchFile("bench.yaml");
 * console.log(merges.map(({ name, rank }) => `${name} ${rank}`)); // [ 'lego 4' ]
 * ```
 */
export async function runBenchFile(file: string, options: BenchOptions = {}): Promise<BenchResult> {
  checkCall(BENCH, [file, options]);
  return benchChecked(file, options, withLocalHost(options));
}

/** What a benchmark is run on, by whoever merges and scores. */
export interface BenchSetting {
  readonly base: string;
  /** The adapters to merge, and the one that was trained on all tasks. */
  readonly adapters: readonly string[];
  readonly joint: string | null;
  readonly rows: { readonly dev: readonly TaskRow[]; readonly test: readonly TaskRow[] };
  readonly cache: string;
}

/** Does work with a host for a benchmark, and closes it. */
type WithBenchHost = <T>(setting: BenchSetting, work: (host: BenchHost) => Promise<T>) => Promise<T>;

/** Merge and score on this machine. */
function withLocalHost({ llama, threads = availableParallelism(), signal }: BenchOptions): WithBenchHost {
  return async ({ adapters, cache, ...setting }, work) => {
    requirePaths(setting.base, adapters);
    const module = llama ?? (await loadLlama());
    return withScratch("bench", async (scratch) => {
      const base = await prepareBase(scratch, setting.base);
      const { model, close } = await loadModel(module, base.model, threads);
      try {
        const place = { inputs: adapters, model, base, scratch, cache, threads, ...(signal && { signal }) };
        return await work(benchHost(place));
      } finally {
        await close();
      }
    });
  };
}

/** `runBenchFile` for callers that have checked their options. @param withHost who merges and scores */
export async function benchChecked(
  file: string,
  options: Omit<BenchOptions, "threads" | "llama">,
  withHost: WithBenchHost,
): Promise<BenchResult> {
  const limit = { ...(options.limit !== undefined && { limit: options.limit }) };
  refuseNothing(file, "benchmark file", "the path of a YAML file");
  const bench = await parseBench(readText(file), file);
  const home = dirname(resolve(file));
  const at = (path: string): string => (isRemotePath(path) ? withoutSecrets(path) : resolve(home, path));
  const placed = {
    ...bench,
    adapters: bench.adapters.map((adapter) => ({ ...adapter, path: at(adapter.path) })),
    joint: bench.joint === null ? null : at(bench.joint),
  };
  const rows = { dev: readTaskFiles(bench.dev.map(at), limit), test: readTaskFiles(bench.test.map(at), limit) };
  checkTasks(placed, rows, file);
  const files = [
    file,
    at(bench.base),
    ...placed.adapters.map(({ path }) => path),
    ...[...bench.dev, ...bench.test].map(at),
  ];
  const setting: BenchSetting = {
    base: at(bench.base),
    adapters: placed.adapters.map(({ path }) => path),
    joint: placed.joint,
    rows,
    cache: options.cache ?? `${resolve(file)}.cache`,
  };
  const work = () => withHost(setting, (host) => runBench(placed, rows, host, options.onProgress));
  const { out, force, onNotice } = options;
  if (out === undefined) return work();
  const read = placed.joint === null ? files : [...files, placed.joint];
  const inputs = read.filter((path) => !isRemotePath(path) && existsSync(path));
  const place = { remade: true, ...(force && { force }), ...(onNotice && { onNotice }) };
  return intoFile(out, inputs, place, async (page) => {
    const result = await work();
    page.write(`${WRITTEN}\n\n${benchPage(result)}`);
    return result;
  });
}
